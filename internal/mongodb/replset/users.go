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

// application may read and write its own database and nothing else.
func (c Credentials) application() account {
	return account{"the application's database user", c.AppUsername, c.AppPassword, []protocol.Role{{Name: "readWrite", Database: appDatabase}}}
}

// metrics may read the state of the server and no data.
func (c Credentials) metrics() account {
	return account{"the database user for metrics", c.MetricsUsername, c.MetricsPassword, []protocol.Role{{Name: protocol.MetricsRole, Database: "admin"}}}
}

// accountState is what was last known of a user.
type accountState struct {
	state mongodb.UserState
	// password that the user was last seen to log in with.
	password string
}

// users are the states of the application's user and of the one for metrics. What was last known stays
// while nobody can say.
func (s *session) users(ctx context.Context, primary string) (application, metrics mongodb.UserState) {
	accounts := []account{s.credentials.application(), s.credentials.metrics()}
	held, err := s.heldRoles(ctx, accounts)
	if err == nil {
		for _, a := range accounts {
			s.accounts[a.purpose] = s.askAccount(ctx, primary, a, held[a.username])
		}
	}
	return s.accounts[accounts[0].purpose].state, s.accounts[accounts[1].purpose].state
}

// heldRoles are the roles of those accounts that exist, by username.
func (s *session) heldRoles(ctx context.Context, accounts []account) (map[string][]protocol.Role, error) {
	names := bson.A{}
	for _, a := range accounts {
		names = append(names, bson.D{{Key: "user", Value: a.username}, {Key: "db", Value: "admin"}})
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
	return s.ensureAccount(ctx, s.credentials.application())
}

// ensureMetricsUser makes the user for metrics and its role, or gives it both and its password again.
func (s *session) ensureMetricsUser(ctx context.Context) error {
	if err := s.renewCredentials(ctx); err != nil {
		return err
	}
	if err := s.ensureMetricsRole(ctx); err != nil {
		return err
	}
	return s.ensureAccount(ctx, s.credentials.metrics())
}

// renewCredentials reads again what the Secrets say of the users that the operator makes.
func (s *session) renewCredentials(ctx context.Context) error {
	fresh, err := s.target.Credentials(ctx)
	if err != nil {
		return fmt.Errorf("reading the credentials of the database: %w", err)
	}
	s.credentials.AppUsername, s.credentials.AppPassword = fresh.AppUsername, fresh.AppPassword
	s.credentials.MetricsUsername, s.credentials.MetricsPassword = fresh.MetricsUsername, fresh.MetricsPassword
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
