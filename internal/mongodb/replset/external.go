package replset

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/hello"
)

// defaultDatabase is the application's, where the connection string names none.
const defaultDatabase = "chatpdf"

// wireVersion44 is what MongoDB 4.4 speaks, the oldest that the application works with.
const wireVersion44 = 9

// external is one client of a database that somebody else runs.
type external struct {
	version  string // of the Secrets that it was made from
	options  *options.ClientOptions
	database string
	client   *mongo.Client
	topology atomic.Pointer[event.TopologyDescription]
}

// lookOutside is called with looking held.
func (w *watch) lookOutside(ctx context.Context, target Target) (mongodb.Snapshot, error) {
	snapshot := mongodb.Snapshot{SecretsVersion: target.SecretsVersion}
	if w.external == nil || w.external.version != target.SecretsVersion {
		reading, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		connection, err := target.External(reading)
		if err != nil {
			return mongodb.Snapshot{}, fmt.Errorf("reading the connection string of the database: %w", err)
		}
		w.closeSession()
		var unresolved *unresolvedError
		switch w.external, err = openExternal(ctx, connection, target.SecretsVersion, w.wakeUp); {
		case errors.As(err, &unresolved):
			snapshot.External = &mongodb.External{Error: err.Error()}
			return snapshot, nil
		case err != nil:
			snapshot.External = &mongodb.External{Refused: err.Error()}
			return snapshot, nil
		}
	}
	snapshot.External = w.external.look(ctx)
	return snapshot, nil
}

// openExternal makes a client that follows the whole database. No error shows the connection string: it holds a password.
func openExternal(ctx context.Context, connection ConnectionString, version string, changed func()) (*external, error) {
	query, err := admissible(connection.URI)
	if err != nil {
		return nil, err
	}
	e := &external{version: version, database: databaseOf(connection.URI)}
	e.options = options.Client().ApplyURI(connection.URI).
		SetAppName("chatpdf-operator").
		SetDisableOCSPEndpointCheck(true).
		SetConnectTimeout(callTimeout).SetServerSelectionTimeout(callTimeout).
		SetMinPoolSize(0).SetMaxPoolSize(2).
		SetServerMonitor(&event.ServerMonitor{
			TopologyDescriptionChanged: func(change *event.TopologyDescriptionChangedEvent) {
				description := change.NewDescription
				e.topology.Store(&description)
				changed()
			},
		})
	if len(connection.CA) > 0 {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(connection.CA) {
			return nil, errors.New("the authorities that go with it must be certificates in PEM")
		}
		e.options.SetTLSConfig(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})
	}
	if e.client, err = mongo.Connect(e.options); err != nil {
		return nil, diagnose(ctx, connection.URI, query)
	}
	return e, nil
}

func (e *external) close() { disconnect(e.client) }

// admissible refuses what would make the operator do more than ask a server by user and password: read files of its own,
// show the identity of its own pod to a server that somebody names, or trust whoever answers.
func admissible(uri string) (query string, err error) {
	scheme, rest, _ := strings.Cut(uri, "://")
	if scheme != "mongodb" && scheme != "mongodb+srv" {
		return "", errors.New("it has to start with mongodb:// or mongodb+srv://")
	}
	_, query, _ = strings.Cut(rest[strings.LastIndex(rest, "@")+1:], "?")
	for pair := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		key, value, _ := strings.Cut(pair, "=")
		key = strings.ToLower(unescaped(key))
		value = strings.ToLower(unescaped(value))
		switch {
		case strings.HasSuffix(key, "file"), strings.HasSuffix(key, "filepassword"), strings.HasSuffix(key, "keypassword"):
			return "", fmt.Errorf("%s names a file, which would have to be in every pod: authorities go into mongodb.external.caSecretRef", key)
		case key == "authmechanism" && !slices.Contains([]string{"scram-sha-1", "scram-sha-256"}, value), key == "authmechanismproperties":
			return "", fmt.Errorf("%s asks for another way to log in than by user and password (SCRAM)", key)
		case (key == "tlsinsecure" || key == "sslinsecure" || strings.HasPrefix(key, "tlsallowinvalid")) && value != "false":
			return "", fmt.Errorf("with %s anybody could answer for the database: name its authorities in mongodb.external.caSecretRef", key)
		}
	}
	return query, nil
}

// unresolvedError is that the servers behind a mongodb+srv:// string could not be looked up, which may pass.
type unresolvedError struct {
	host string
	err  error
}

func (e *unresolvedError) Error() string {
	return "looking up the servers of " + e.host + ": " + reason(e.err)
}

func unescaped(text string) string {
	plain, err := url.QueryUnescape(text)
	if err != nil {
		return text
	}
	return plain
}

// diagnose says why the driver refuses a connection string without showing user or password, which the driver's own message
// may quote: it asks the driver again about a string without them.
func diagnose(ctx context.Context, uri, query string) error {
	scheme, rest, _ := strings.Cut(uri, "://")
	hosts, _, _ := strings.Cut(rest[strings.LastIndex(rest, "@")+1:], "/")
	hosts, _, _ = strings.Cut(hosts, "?")
	if scheme == "mongodb+srv" {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		if _, _, err := net.DefaultResolver.LookupSRV(ctx, "mongodb", "tcp", hosts); err != nil {
			return &unresolvedError{hosts, err}
		}
	}
	if err := options.Client().ApplyURI("mongodb://localhost/?" + query).Validate(); err != nil {
		return err
	}
	return errors.New("its user and password must be there and percent-encoded, so that @ is written %40, and hosts are separated by commas")
}

// databaseOf is the path of a connection string.
func databaseOf(uri string) string {
	_, rest, _ := strings.Cut(uri, "://")
	rest, _, _ = strings.Cut(rest[strings.LastIndex(rest, "@")+1:], "?")
	if _, database, _ := strings.Cut(rest, "/"); database != "" {
		return database
	}
	return defaultDatabase
}

// look asks what the user may do, which only works if everything else does, and else why it does not: then what the driver
// knows of the servers comes and goes with its tries, and is not told.
func (e *external) look(ctx context.Context) *mongodb.External {
	seen := &mongodb.External{Database: e.database, Encrypted: e.options.TLSConfig != nil}
	privileges, err := e.privileges(ctx)
	switch {
	case err == nil:
		seen.Login = mongodb.LoginSucceeded
		e.describe(seen)
		seen.Authenticated = len(privileges.Users) > 0
		if seen.Authenticated {
			seen.Missing = privileges.missing(e.database)
		}
	case isAuthenticationFailure(err):
		seen.Login = mongodb.LoginRefused
	default:
		seen.Error = e.unreachable(ctx)
	}
	return seen
}

// describe fills in what the driver's monitoring has seen.
func (e *external) describe(seen *mongodb.External) {
	topology := e.topology.Load()
	if topology == nil {
		return
	}
	switch topology.Kind {
	case "ReplicaSetWithPrimary", "ReplicaSetNoPrimary":
		seen.Kind = mongodb.ExternalReplicaSet
	case "Sharded", "LoadBalanced":
		seen.Kind = mongodb.ExternalSharded
	}
	for _, server := range topology.Servers {
		switch server.Kind {
		case "RSPrimary", "Mongos", "LoadBalancer", "Standalone":
			seen.Writable = true
		}
		switch server.Kind {
		case "Standalone":
			seen.Kind = mongodb.ExternalStandalone
		case "RSPrimary", "RSSecondary":
			seen.Kind = mongodb.ExternalReplicaSet // also where the connection string asks for one server alone
		}
		if server.MaxWireVersion > 0 && server.MaxWireVersion < wireVersion44 {
			seen.Old = true
		}
	}
}

// unreachable is why no server could be asked; empty if one answers and merely takes no writes.
func (e *external) unreachable(ctx context.Context) string {
	hosts := slices.Clone(e.options.Hosts)
	if topology := e.topology.Load(); topology != nil && len(topology.Servers) > 0 {
		hosts = nil
		for _, server := range topology.Servers {
			hosts = append(hosts, server.Addr.String())
		}
	}
	slices.Sort(hosts)
	first := "the connection string names no server"
	for i, host := range hosts {
		err := e.probe(ctx, host)
		switch {
		case err == nil:
			return ""
		case i == 0:
			first = host + ": " + reason(err)
		}
	}
	return first
}

func (e *external) probe(ctx context.Context, host string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	dial := (&net.Dialer{}).DialContext
	if e.options.TLSConfig != nil {
		config := e.options.TLSConfig.Clone()
		config.ServerName, _, _ = net.SplitHostPort(host)
		_, err := hello.Once(ctx, dial, host, config, "")
		return err
	}
	conn, err := dial(ctx, "tcp", host)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = hello.Ask(ctx, conn, "")
	return err
}

// privileges is who we are to the server.
type privileges struct {
	Users []bson.Raw  `bson:"authenticatedUsers"`
	All   []privilege `bson:"authenticatedUserPrivileges"`
}

type privilege struct {
	Resource struct {
		Database   *string `bson:"db"`
		Collection *string `bson:"collection"`
		Any        bool    `bson:"anyResource"`
	} `bson:"resource"`
	Actions []string `bson:"actions"`
}

func (e *external) privileges(ctx context.Context) (privileges, error) {
	var reply struct {
		Info privileges `bson:"authInfo"`
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout+time.Second) // the driver's own words come before this
	defer cancel()
	command := bson.D{{Key: "connectionStatus", Value: 1}, {Key: "showPrivileges", Value: true}}
	err := e.client.Database(e.database).RunCommand(ctx, command, options.RunCmd().SetReadPreference(readpref.Primary())).Decode(&reply)
	return reply.Info, err
}

// missing are the actions of the application that the user may not take on every collection of the database.
func (p privileges) missing(database string) []string {
	var missing []string
	for _, action := range mongodb.ExternalActions {
		granted := slices.ContainsFunc(p.All, func(p privilege) bool {
			onAll := p.Resource.Collection != nil && *p.Resource.Collection == "" && p.Resource.Database != nil
			onAll = onAll && (*p.Resource.Database == "" || *p.Resource.Database == database)
			return (p.Resource.Any || onAll) && slices.Contains(p.Actions, action)
		})
		if !granted {
			missing = append(missing, action)
		}
	}
	return missing
}
