package replset

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"chatpdf.dev/operator/internal/dbagent/protocol"
	"chatpdf.dev/operator/internal/mongodb"
)

// appDatabase is where the application keeps everything.
const appDatabase = "chatpdf"

// account is a user of the database admin that the operator makes.
type account struct {
	// purpose says in errors whose user it is.
	purpose            string
	username, password string
	roles              []protocol.Role
}

// roles of the users. The application may read and write its own database and nothing else; for metrics
// the state of the server is read, and no data; backups read the application's database.
var (
	applicationRoles = []protocol.Role{{Name: "readWrite", Database: appDatabase}}
	metricsRoles     = []protocol.Role{{Name: protocol.MetricsRole, Database: "admin"}}
	backupRoles      = []protocol.Role{{Name: "read", Database: appDatabase}}
)

// application is the application's user, and the one that is to take its place if there is one.
func (c Credentials) application() []account {
	return accounts(c.App, "the application's database user", "the application's next database user", applicationRoles)
}

// metrics is the same for metrics.
func (c Credentials) metrics() []account {
	return accounts(c.Metrics, "the database user for metrics", "the next database user for metrics", metricsRoles)
}

// backup is the same for backups.
func (c Credentials) backup() []account {
	return accounts(c.Backup, "the database user for backups", "the next database user for backups", backupRoles)
}

// nextAdmin is the operator's own user with its next password, if there is one.
func (c Credentials) nextAdmin() []account {
	if !c.hasNextAdmin() {
		return nil
	}
	return []account{{purpose: "the operator's next password", username: c.Admin.Username, password: c.Admin.Next.Password}}
}

// hasNextAdmin says that the operator's own user is to get another password. Its name stays.
func (c Credentials) hasNextAdmin() bool {
	return c.Admin.Next.Username == c.Admin.Username && c.Admin.Next.Password != ""
}

func accounts(user Rotating, purpose, nextPurpose string, roles []protocol.Role) []account {
	all := []account{{purpose, user.Username, user.Password, roles}}
	if next := user.Next; next.Username != "" {
		all = append(all, account{nextPurpose, next.Username, next.Password, roles})
	}
	return all
}

// accountState is what was last known of a user.
type accountState struct {
	state mongodb.UserState
	// password that the user was last seen to log in with.
	password string
}

// users puts what is known of the users into the snapshot. What was last known stays while nobody can say.
func (s *session) users(ctx context.Context, set *setReply, snapshot *mongodb.Snapshot) {
	application, metrics := s.credentials.application(), s.credentials.metrics()
	backup, admin := s.credentials.backup(), s.credentials.nextAdmin()
	accounts := slices.Concat(application, metrics, backup, admin)
	names := mongodb.Rotating()
	for _, a := range accounts {
		names = append(names, a.username)
	}
	if held, err := s.heldRoles(ctx, names); err == nil {
		for _, a := range accounts {
			s.accounts[a.purpose] = s.askAccount(ctx, set.self, a, held[a.username])
		}
		s.retired = s.askRetired(ctx, set, held)
	}
	snapshot.AppUser, snapshot.MetricsUser = s.accounts[application[0].purpose].state, s.accounts[metrics[0].purpose].state
	snapshot.BackupUser = s.accounts[backup[0].purpose].state
	for _, next := range slices.Concat(application[1:], metrics[1:], backup[1:], admin) {
		if snapshot.NextUsers == nil {
			snapshot.NextUsers = map[string]mongodb.UserState{}
		}
		snapshot.NextUsers[next.username] = s.accounts[next.purpose].state
	}
	snapshot.Retired = s.retired
}

// askRetired finds the users of ours that are neither in use nor about to be, and whether a client still has
// a connection of them.
func (s *session) askRetired(ctx context.Context, set *setReply, held map[string][]protocol.Role) []mongodb.RetiredUser {
	var retired []mongodb.RetiredUser
	for _, name := range mongodb.Rotating() {
		if _, exists := held[name]; exists && s.credentials.retires(name) {
			retired = append(retired, mongodb.RetiredUser{Username: name, InUse: s.connected(ctx, set, name) != ""})
		}
	}
	return retired
}

// retires says that the user is one whose place another one has taken, as the Secret records. A user that merely
// has such a name may be somebody else's.
func (c Credentials) retires(username string) bool {
	var inUse, replaced []string
	for _, user := range []Rotating{c.App, c.Metrics, c.Backup} {
		inUse = append(inUse, user.Username, user.Next.Username)
		replaced = append(replaced, user.Replaced)
	}
	return username != "" && slices.Contains(replaced, username) && !slices.Contains(inUse, username)
}

// connected is a member on which a connection of the user is open, or that could not be asked; empty if there
// is none. A client may keep one to any member.
func (s *session) connected(ctx context.Context, set *setReply, username string) (host string) {
	for _, m := range set.members {
		if open, err := s.connectedTo(ctx, m.Name, username); err != nil || open {
			return m.Name
		}
	}
	return ""
}

func (s *session) connectedTo(ctx context.Context, host, username string) (bool, error) {
	client, err := s.direct(host, s.self.Username, s.self.Password)
	if err != nil {
		return false, err
	}
	defer disconnect(client)
	pipeline := bson.A{
		bson.D{{Key: "$currentOp", Value: bson.D{{Key: "allUsers", Value: true}, {Key: "idleConnections", Value: true}}}},
		bson.D{{Key: "$match", Value: bson.D{{Key: "effectiveUsers.user", Value: username}}}},
		bson.D{{Key: "$limit", Value: 1}},
	}
	var reply struct {
		Cursor struct {
			FirstBatch []bson.Raw `bson:"firstBatch"`
		} `bson:"cursor"`
	}
	command := bson.D{{Key: "aggregate", Value: 1}, {Key: "pipeline", Value: pipeline}, {Key: "cursor", Value: bson.D{}}}
	if err := run(ctx, client, readpref.Nearest(), command, &reply); err != nil {
		return false, err
	}
	return len(reply.Cursor.FirstBatch) > 0, nil
}

// heldRoles are the roles of those users that exist, by username.
func (s *session) heldRoles(ctx context.Context, usernames []string) (map[string][]protocol.Role, error) {
	names := bson.A{}
	for _, name := range usernames {
		names = append(names, bson.D{{Key: "user", Value: name}, {Key: "db", Value: "admin"}})
	}
	var reply struct {
		Users []struct {
			User  string          `bson:"user"`
			Roles []protocol.Role `bson:"roles"`
		} `bson:"users"`
	}
	if err := run(ctx, s.client, readpref.Primary(), bson.D{{Key: "usersInfo", Value: names}}, &reply); err != nil {
		return nil, err
	}
	held := map[string][]protocol.Role{}
	for _, u := range reply.Users {
		held[u.User] = u.Roles
	}
	return held, nil
}

// askAccount says whether a user has its roles at the least, and whether its password logs in. The password
// is tried once for each client, not at every look.
func (s *session) askAccount(ctx context.Context, primary string, a account, held []protocol.Role) accountState {
	before := s.accounts[a.purpose]
	lacks := slices.ContainsFunc(a.roles, func(r protocol.Role) bool { return !slices.Contains(held, r) })
	switch {
	case a.username == "":
		return accountState{} // its Secret is not there yet
	case lacks:
		return accountState{state: mongodb.UserMissing}
	case before.password == a.password && a.password != "":
		return accountState{mongodb.UserPresent, a.password}
	}
	client, err := s.direct(primary, a.username, a.password)
	if err != nil {
		return before
	}
	defer disconnect(client)
	switch err := run(ctx, client, readpref.Nearest(), bson.D{{Key: "ping", Value: 1}}, nil); {
	case isAuthenticationFailure(err):
		return accountState{state: mongodb.UserMissing}
	case err != nil:
		return before
	}
	return accountState{mongodb.UserPresent, a.password}
}

// ensureApplicationUser makes the application's user, or gives it its role and its password again.
func (s *session) ensureApplicationUser(ctx context.Context) error {
	if err := s.renewCredentials(ctx); err != nil {
		return err
	}
	return s.ensureAccounts(ctx, s.credentials.application())
}

// ensureMetricsUser makes the user for metrics and its role, or gives it both and its password again.
func (s *session) ensureMetricsUser(ctx context.Context) error {
	if err := s.renewCredentials(ctx); err != nil {
		return err
	}
	if err := s.ensureMetricsRole(ctx); err != nil {
		return err
	}
	return s.ensureAccounts(ctx, s.credentials.metrics())
}

// ensureBackupUser makes the user for backups, or gives it its role and its password again.
func (s *session) ensureBackupUser(ctx context.Context) error {
	if err := s.renewCredentials(ctx); err != nil {
		return err
	}
	return s.ensureAccounts(ctx, s.credentials.backup())
}

// ensureAdminPassword gives the operator's own user its next password. Connections that are open stay logged in.
func (s *session) ensureAdminPassword(ctx context.Context) error {
	if err := s.renewCredentials(ctx); err != nil {
		return err
	}
	for _, next := range s.credentials.nextAdmin() {
		command := bson.D{{Key: "updateUser", Value: next.username}, {Key: "pwd", Value: next.password}, majority}
		if err := run(ctx, s.client, readpref.Primary(), command, nil); err != nil {
			return fmt.Errorf("giving the operator's database user its next password: %w", err)
		}
	}
	return nil
}

// renewCredentials reads again what the Secrets say of the users that the operator makes.
func (s *session) renewCredentials(ctx context.Context) error {
	fresh, err := s.target.Credentials(ctx)
	if err != nil {
		return fmt.Errorf("reading the credentials of the database: %w", err)
	}
	s.credentials = fresh
	return nil
}

// dropUser removes a user, if it is still one whose place another one has taken and that nobody uses.
func (s *session) dropUser(ctx context.Context, step mongodb.Step) error {
	if err := s.renewCredentials(ctx); err != nil {
		return err
	}
	if !s.credentials.retires(step.Username) {
		return fmt.Errorf("database user %s is in a Secret again: it stays", step.Username)
	}
	set, err := readSet(ctx, s.client, readpref.Primary(), true)
	if err != nil {
		return err
	}
	if host := s.connected(ctx, set, step.Username); host != "" {
		return fmt.Errorf("database user %s has a connection to %s, or it could not be asked: the user stays until there is none", step.Username, host)
	}
	const codeUserNotFound = 11
	err = run(ctx, s.client, readpref.Primary(), bson.D{{Key: "dropUser", Value: step.Username}, majority}, nil)
	if err != nil && !hasCode(err, codeUserNotFound) {
		return fmt.Errorf("removing database user %s: %w", step.Username, err)
	}
	return nil
}

func (s *session) ensureAccounts(ctx context.Context, accounts []account) error {
	for _, a := range accounts {
		if err := s.ensureAccount(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// ensureAccount leaves an existing user the roles that somebody else gave it.
func (s *session) ensureAccount(ctx context.Context, a account) error {
	if a.username == "" || a.password == "" {
		return fmt.Errorf("the Secret of %s lacks username or password: put both back", a.purpose)
	}
	password := bson.E{Key: "pwd", Value: a.password}
	roles := bson.E{Key: "roles", Value: a.roles}
	err := run(ctx, s.client, readpref.Primary(), bson.D{{Key: "createUser", Value: a.username}, password, roles, majority}, nil)
	if hasCode(err, codeUserExists) {
		err = errors.Join(
			run(ctx, s.client, readpref.Primary(), bson.D{{Key: "updateUser", Value: a.username}, password, majority}, nil),
			run(ctx, s.client, readpref.Primary(), bson.D{{Key: "grantRolesToUser", Value: a.username}, roles, majority}, nil))
	}
	if err != nil {
		return fmt.Errorf("making %s: %w", a.purpose, err)
	}
	return nil
}

// ensureMetricsRole makes a role of its own: the built-in clusterMonitor may read the oplog, and with it
// everything that was ever written.
func (s *session) ensureMetricsRole(ctx context.Context) error {
	command := func(verb string) bson.D {
		return bson.D{{Key: verb, Value: protocol.MetricsRole}, {Key: "privileges", Value: protocol.MetricsPrivileges()}, {Key: "roles", Value: bson.A{}}, majority}
	}
	err := run(ctx, s.client, readpref.Primary(), command("createRole"), nil)
	if hasCode(err, codeRoleExists) {
		err = run(ctx, s.client, readpref.Primary(), command("updateRole"), nil)
	}
	if err != nil {
		return fmt.Errorf("making the database role for metrics: %w", err)
	}
	return nil
}

// majority makes a user or role survive an election.
var majority = bson.E{Key: "writeConcern", Value: bson.D{{Key: "w", Value: "majority"}}}
