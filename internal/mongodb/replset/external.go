package replset

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
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
func (w *watch) lookOutside(ctx context.Context, target Target) mongodb.Snapshot {
	snapshot := mongodb.Snapshot{SecretsVersion: target.SecretsVersion}
	if w.external == nil || w.external.version != target.SecretsVersion {
		w.closeSession()
		var err error
		if w.external, err = w.openOutside(ctx, target); err != nil {
			snapshot.External = &mongodb.External{Error: err.Error()}
			if refused, is := errors.AsType[*refusedError](err); is {
				snapshot.External = &mongodb.External{Refused: refused.Error()}
			}
			return snapshot
		}
	}
	snapshot.External = w.external.look(ctx)
	return snapshot
}

func (w *watch) openOutside(ctx context.Context, target Target) (*external, error) {
	reading, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	connection, err := target.External(reading)
	if err != nil {
		return nil, err
	}
	return openExternal(ctx, connection, target.SecretsVersion, w.wakeUp)
}

// refusedError is a connection string that is not taken: only a person can help.
type refusedError struct{ why string }

func (e *refusedError) Error() string { return e.why }

func refused(format string, args ...any) error { return &refusedError{fmt.Sprintf(format, args...)} }

// openExternal makes a client that follows the whole database. No error shows the connection string: it holds a password.
func openExternal(ctx context.Context, connection ConnectionString, version string, changed func()) (*external, error) {
	if err := admissible(connection.URI); err != nil {
		return nil, err
	}
	_, _, database := split(connection.URI)
	e := &external{version: version, database: cmp.Or(database, defaultDatabase)}
	e.options = options.Client().ApplyURI(connection.URI).
		SetAppName("chatpdf-operator").
		SetDisableOCSPEndpointCheck(true).
		SetConnectTimeout(callTimeout).SetServerSelectionTimeout(callTimeout).
		SetMinPoolSize(0).SetMaxPoolSize(2).
		SetCompressors(nil). // what a server sends would be unpacked to whatever size it names
		SetServerMonitor(&event.ServerMonitor{
			TopologyDescriptionChanged: func(change *event.TopologyDescriptionChangedEvent) {
				description := change.NewDescription
				e.topology.Store(&description)
				changed()
			},
		})
	if err := e.options.Validate(); err != nil {
		return nil, diagnose(ctx, connection.URI)
	}
	if err := onlyByPassword(e.options); err != nil {
		return nil, err
	}
	if len(connection.CA) > 0 {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(connection.CA) {
			return nil, refused("the authorities that go with it must be certificates in PEM")
		}
		e.options.SetTLSConfig(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})
	}
	var err error
	if e.client, err = mongo.Connect(e.options); err != nil {
		return nil, diagnose(ctx, connection.URI)
	}
	return e, nil
}

func (e *external) close() { disconnect(e.client) }

const (
	// maxConnectionString in bytes, and maxServers, are more than anybody needs: each server costs goroutines and connections.
	maxConnectionString = 4 << 10
	maxServers          = 50
)

// admissible refuses what would make the operator do more than ask a server by user and password: read files of its own,
// show the identity of its own pod to a server that somebody names, or trust whoever answers. It comes before the driver
// parses, because that reads files. Every question mark may begin the options: what the driver takes for options is among them.
func admissible(uri string) error {
	scheme, rest, _ := strings.Cut(uri, "://")
	if scheme != "mongodb" && scheme != "mongodb+srv" {
		return refused("it has to start with mongodb:// or mongodb+srv://")
	}
	if len(uri) > maxConnectionString {
		return refused("it has more than %d bytes", maxConnectionString)
	}
	user, hosts, _ := split(uri)
	if strings.ContainsAny(user, "/?#") || strings.Contains(hosts, "@") {
		return refused(notEscaped)
	}
	switch names := strings.Split(hosts, ","); {
	case scheme == "mongodb+srv" && (len(names) > 1 || strings.Contains(hosts, ":")):
		return refused("a mongodb+srv:// string names one host, without a port")
	case len(names) > maxServers:
		return refused("it names more than %d servers", maxServers)
	}
	separator := func(r rune) bool { return r == '?' || r == '&' || r == ';' }
	for pair := range strings.FieldsFuncSeq(rest, separator) {
		key, value, _ := strings.Cut(pair, "=")
		key = strings.ToLower(unescaped(key))
		value = strings.ToLower(unescaped(value))
		switch {
		case strings.HasSuffix(key, "file"), strings.HasSuffix(key, "filepassword"), strings.HasSuffix(key, "keypassword"):
			return refused("%s names a file, which would have to be in every pod: authorities go into mongodb.external.caSecretRef", key)
		case key == "authmechanism" && !slices.Contains(scram, value), key == "authmechanismproperties":
			return refused("%s asks for another way to log in than by user and password (SCRAM)", key)
		case (key == "tlsinsecure" || key == "sslinsecure" || strings.HasPrefix(key, "tlsallowinvalid")) && value != "false":
			return refused("with %s anybody could answer for the database: name its authorities in mongodb.external.caSecretRef", key)
		}
	}
	return nil
}

// scram are the ways to log in by which a server learns nothing that it could use elsewhere.
var scram = []string{"scram-sha-1", "scram-sha-256"}

// onlyByPassword looks at what the driver has made of a connection string, in case that it reads strings otherwise than
// [admissible] does.
func onlyByPassword(o *options.ClientOptions) error {
	if auth := o.Auth; auth != nil {
		mechanism := strings.ToLower(auth.AuthMechanism)
		if mechanism != "" && !slices.Contains(scram, mechanism) || len(auth.AuthMechanismProperties) > 0 {
			return refused("it asks for another way to log in than by user and password (SCRAM)")
		}
	}
	if t := o.TLSConfig; t != nil && (t.InsecureSkipVerify || len(t.Certificates) > 0 || t.RootCAs != nil) {
		return refused("it names files, or leaves servers unverified: authorities go into mongodb.external.caSecretRef")
	}
	if len(o.Hosts) > maxServers {
		return refused("it names more than %d servers", maxServers)
	}
	return nil
}

// notEscaped is what is wrong where a character stands that ends a part of a connection string.
const notEscaped = "its user and password must be there and percent-encoded, so that @ is written %%40, and hosts are separated by commas"

// split takes a connection string apart as the driver does: user and password end at the first @.
func split(uri string) (user, hosts, database string) {
	_, rest, _ := strings.Cut(uri, "://")
	if before, after, found := strings.Cut(rest, "@"); found {
		user, rest = before, after
	}
	rest, _, _ = strings.Cut(rest, "?")
	hosts, database, _ = strings.Cut(rest, "/")
	return user, hosts, database
}

// diagnose says why the driver refuses a connection string without showing user or password, which the driver's own message
// may quote: it asks the driver again about a string without them.
func diagnose(ctx context.Context, uri string) error {
	if strings.HasPrefix(uri, "mongodb+srv://") {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		_, host, _ := split(uri)
		if _, _, err := net.DefaultResolver.LookupSRV(ctx, "mongodb", "tcp", host); err != nil {
			return fmt.Errorf("looking up the servers of %s: %s", host, reason(err))
		}
	}
	_, query, _ := strings.Cut(uri, "?")
	if err := options.Client().ApplyURI("mongodb://localhost/?" + query).Validate(); err != nil {
		return refused("%s", err)
	}
	return refused(notEscaped)
}

func unescaped(text string) string {
	plain, err := url.QueryUnescape(text)
	if err != nil {
		return text
	}
	return plain
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
		e.askOneByOne(ctx, seen)
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

// askOneByOne says hello to every server, all at once, because the driver does not tell why it finds none to use.
func (e *external) askOneByOne(ctx context.Context, seen *mongodb.External) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	hosts := slices.Clone(e.options.Hosts)
	if topology := e.topology.Load(); topology != nil && len(topology.Servers) > 0 {
		hosts = nil
		for _, server := range topology.Servers {
			hosts = append(hosts, server.Addr.String())
		}
	}
	slices.Sort(hosts)
	if len(hosts) > maxServers {
		seen.Refused = fmt.Sprintf("its servers name more than %d others", maxServers)
		return
	}
	replies, errs := make([]hello.Reply, len(hosts)), make([]error, len(hosts))
	var wait sync.WaitGroup
	for i, host := range hosts {
		wait.Go(func() { replies[i], errs[i] = e.hello(ctx, host) })
	}
	wait.Wait()
	for i, host := range hosts {
		set := replies[i].SetName
		switch {
		case errs[i] != nil && seen.Error == "":
			seen.Error = host + ": " + obstacle(errs[i])
		case errs[i] != nil:
		case replies[i].MaxWireVersion < wireVersion44:
			seen.Old = true
		case e.options.ReplicaSet != nil && set != *e.options.ReplicaSet:
			seen.Refused = fmt.Sprintf("it asks for replica set %q, and %s belongs to %q", *e.options.ReplicaSet, host, set)
		}
	}
	if slices.Contains(errs, nil) {
		seen.Error = "" // one that answers is no primary: that is what there is to say
	}
}

// obstacle puts an error into few words that stay the same from one look to the next, whatever a server says.
func obstacle(err error) string {
	if errors.Is(err, hello.ErrRefused) {
		return "it refuses to say what it is"
	}
	const longest = 300
	text := []rune(strings.Join(strings.Fields(reason(err)), " "))
	return string(text[:min(len(text), longest)])
}

func (e *external) hello(ctx context.Context, host string) (hello.Reply, error) {
	dial := (&net.Dialer{}).DialContext
	if e.options.TLSConfig != nil {
		config := e.options.TLSConfig.Clone()
		config.ServerName, _, _ = net.SplitHostPort(host)
		return hello.Once(ctx, dial, host, config, "")
	}
	conn, err := dial(ctx, "tcp", host)
	if err != nil {
		return hello.Reply{}, err
	}
	defer conn.Close()
	return hello.Ask(ctx, conn, "")
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
