package replset

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/hello"
	"chatpdf.dev/operator/internal/mongodtest"
)

// TestADatabaseOfSomebodyElseIsLookedAtAndNothingMore asks a real replica set by connection strings good and bad.
func TestADatabaseOfSomebodyElseIsLookedAtAndNothingMore(t *testing.T) {
	t.Parallel()
	rs := mongodtest.Start(t, mongodtest.Options{Auth: true, TLS: true})
	ca, err := os.ReadFile(rs.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	root, err := mongo.Connect(options.Client().ApplyURI(rs.URI))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Disconnect(t.Context()) //nolint:errcheck // the servers end with the test
	for name, roles := range map[string]bson.A{
		"reads-and-writes": {bson.M{"role": "readWrite", "db": "papers"}},
		"reads":            {bson.M{"role": "read", "db": "papers"}},
		"everything":       {"root"},
	} {
		command := bson.D{{Key: "createUser", Value: name}, {Key: "pwd", Value: "p@ss/word"}, {Key: "roles", Value: roles}}
		if err := root.Database("admin").RunCommand(t.Context(), command).Err(); err != nil {
			t.Fatal(err)
		}
	}
	uri := func(user, password string, query ...string) string {
		address := url.URL{Scheme: "mongodb", Host: rs.Members[0].Address, Path: "/papers", RawQuery: strings.Join(append(query, "authSource=admin"), "&")}
		if address.User = url.UserPassword(user, password); user == "" {
			address.User = nil
		}
		return address.String()
	}
	fine := mongodb.External{
		Login: mongodb.LoginSucceeded, Kind: mongodb.ExternalReplicaSet, Writable: true, Encrypted: true, Authenticated: true, Database: "papers",
	}
	with := func(change func(*mongodb.External)) mongodb.External {
		changed := fine
		change(&changed)
		return changed
	}
	for what, test := range map[string]struct {
		connection ConnectionString
		want       mongodb.External
	}{
		"all it needs":          {ConnectionString{uri("reads-and-writes", "p@ss/word", "replicaSet=rs0"), ca}, fine},
		"more than it needs":    {ConnectionString{uri("everything", "p@ss/word", "replicaSet=rs0"), ca}, fine},
		"one server of the set": {ConnectionString{uri("reads-and-writes", "p@ss/word", "directConnection=true"), ca}, fine},
		"may only read": {ConnectionString{uri("reads", "p@ss/word", "replicaSet=rs0"), ca}, with(func(e *mongodb.External) {
			e.Missing = []string{"insert", "update", "remove", "createCollection", "createIndex"}
		})},
		"a wrong password": {ConnectionString{uri("reads", "guessed", "replicaSet=rs0"), ca}, mongodb.External{
			Database: "papers", Encrypted: true, Login: mongodb.LoginRefused,
		}},
		"without TLS": {ConnectionString{uri("reads", "p@ss/word", "replicaSet=rs0"), nil}, mongodb.External{
			Database: "papers", Error: rs.Members[0].Address + ": it closed the connection",
		}},
		"authorities that it does not know": {ConnectionString{uri("reads", "p@ss/word", "tls=true"), nil}, mongodb.External{
			Database: "papers", Encrypted: true, Error: rs.Members[0].Address + ": its certificate is not trusted: x509: certificate signed by unknown authority",
		}},
		"another replica set": {ConnectionString{uri("reads", "p@ss/word", "replicaSet=rs1"), ca}, mongodb.External{
			Database: "papers", Encrypted: true,
			Refused: fmt.Sprintf(`it asks for replica set "rs1", and %s belongs to "rs0"`, rs.Members[0].Address),
		}},
		"nobody": {ConnectionString{"mongodb://127.0.0.1:1/papers", nil}, mongodb.External{
			Database: "papers", Error: "127.0.0.1:1: connection refused",
		}},
	} {
		t.Run(what, func(t *testing.T) {
			e, err := openExternal(t.Context(), test.connection, "1", func() {})
			if err != nil {
				t.Fatal(err)
			}
			defer e.close()
			first := e.look(t.Context())
			if !reflect.DeepEqual(*first, test.want) {
				t.Errorf("saw %+v\nwant %+v", *first, test.want)
			}
			if first.Login != mongodb.LoginSucceeded {
				return
			}
			before := connectionsMade(t, root)
			for range 3 {
				if again := e.look(t.Context()); !reflect.DeepEqual(again, first) {
					t.Errorf("then %+v, now %+v", first, again)
				}
			}
			if made := connectionsMade(t, root) - before; made != 0 {
				t.Errorf("three looks made %d connections", made)
			}
		})
	}
	var names []string
	if names, err = root.ListDatabaseNames(t.Context(), bson.D{}); err != nil || slices.Contains(names, "papers") {
		t.Errorf("databases %v (%v): something was written", names, err)
	}
}

func TestAServerThatIsNoReplicaSetIsToldApart(t *testing.T) {
	t.Parallel()
	server := mongodtest.Start(t, mongodtest.Options{Standalone: true})
	e, err := openExternal(t.Context(), ConnectionString{URI: server.URI}, "1", func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	if seen := e.look(t.Context()); seen.Kind != mongodb.ExternalStandalone || seen.Authenticated || seen.Database != "chatpdf" {
		t.Errorf("saw %+v", seen)
	}
}

// TestWhatAServerSaysOfItselfStaysShortAndTheSame meets one that says something else, and much of it, each time.
func TestWhatAServerSaysOfItselfStaysShortAndTheSame(t *testing.T) {
	for _, err := range []error{
		fmt.Errorf("reading the answer to hello: %w: %s", hello.ErrRefused, strings.Repeat("words ", 100_000)),
		fmt.Errorf("reading the answer to hello: %w", errors.New(strings.Repeat("words\n", 100_000))),
	} {
		if said := obstacle(err); len(said) > 300 || strings.Contains(said, "\n") {
			t.Errorf("%d bytes: %.100q", len(said), said)
		}
	}
	if first, second := obstacle(fmt.Errorf("%w: 1", hello.ErrRefused)), obstacle(fmt.Errorf("%w: 2", hello.ErrRefused)); first != second {
		t.Errorf("first %q, then %q", first, second)
	}
}

// TestWithoutTheConnectionStringTheDatabaseIsNotCalledUnknown: what was known of it before would be believed to stand.
func TestWithoutTheConnectionStringTheDatabaseIsNotCalledUnknown(t *testing.T) {
	w := &watch{target: Target{External: func(context.Context) (ConnectionString, error) {
		return ConnectionString{}, errors.New("reading Secret theirs: it is gone")
	}}}
	if seen := w.lookOutside(t.Context(), w.wanted()).External; seen == nil || !strings.Contains(seen.Error, "theirs") || seen.Refused != "" {
		t.Errorf("saw %+v", seen)
	}
}

func connectionsMade(t *testing.T, client *mongo.Client) int64 {
	t.Helper()
	var status struct {
		Connections struct {
			Created int64 `bson:"totalCreated"`
		} `bson:"connections"`
	}
	if err := client.Database("admin").RunCommand(t.Context(), bson.D{{Key: "serverStatus", Value: 1}}).Decode(&status); err != nil {
		t.Fatal(err)
	}
	return status.Connections.Created
}

// TestAConnectionStringMayNotUseWhatIsTheOperatorsOwn: whoever may write a Secret could otherwise have the operator read
// its own files, or show its own identity to a server of their choice.
func TestAConnectionStringMayNotUseWhatIsTheOperatorsOwn(t *testing.T) {
	for uri, says := range map[string]string{
		"":                        "mongodb://",
		"postgres://u:secret@h/d": "mongodb://",
		"mongodb://u:secret@h/d?tlsCAFile=/var/run/secrets/ca.crt":                         "caSecretRef",
		"mongodb://u:secret@h/d?tlsCertificateKeyFile=/x":                                  "names a file",
		"mongodb://u:secret@h/d?ssl%43lientCertificateKeyFile=/x":                          "names a file",
		"mongodb://h/d?authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:k8s": "SCRAM",
		"mongodb://u:secret@h/d?authMechanism=MONGODB-AWS":                                 "SCRAM",
		"mongodb://u:secret@h/d?authMechanism=PLAIN":                                       "SCRAM",
		"mongodb://u:secret@h/d?tls=true&tlsInsecure=true":                                 "caSecretRef",
		"mongodb://u:secret@h/d?tlsAllowInvalidCertificates=true":                          "caSecretRef",
		"mongodb://u:secret@h/d?maxPoolSize=many":                                          "maxpoolsize",
		"mongodb://u:se@cr:et@h:1/d":                                                       "percent-encoded",
		"mongodb://u:pa?secret@h/d?replicaSet=x":                                           "percent-encoded",
		"mongodb+srv://u:secret/d":                                                         "one host",
		"mongodb+srv://h1,h2/d":                                                            "one host",
		"mongodb://" + strings.Repeat("h,", 50) + "h/d":                                    "more than 50 servers",
		"mongodb://h/d?appName=" + strings.Repeat("x", 5000):                               "more than 4096 bytes",
		"mongodb://u:%zzsecret@h/d":                                                        "percent-encoded",
	} {
		e, err := openExternal(t.Context(), ConnectionString{URI: uri}, "1", func() {})
		if err == nil {
			e.close()
			t.Errorf("%s was taken", uri)
			continue
		}
		if !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(says)) || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s: %v, want %q", uri, err, says)
		}
	}
	// Wherever an option stands, and whatever stands beside it.
	for _, option := range []string{
		"authMechanism=MONGODB-OIDC", "authMechanismProperties=ENVIRONMENT:k8s", "authMechanism=MONGODB-AWS", "authMechanism=MONGODB-X509",
		"tlsCAFile=/x", "tlsCertificateKeyFile=/x", "tlsCertificateFile=/x", "tlsPrivateKeyFile=/x", "tlsInsecure=true",
	} {
		for _, uri := range []string{
			"mongodb://u@h:27017/?%s&appName=@", "mongodb://u@h/d?appName=@x@&%s", "mongodb://u@h/?appName=?&%s", "mongodb://u@h?%s",
			"mongodb://u?x@h/?%s", "mongodb://u@h/?x=1;%s", "mongodb://u@h/?%s#",
		} {
			uri = fmt.Sprintf(uri, option)
			if e, err := openExternal(t.Context(), ConnectionString{URI: uri}, "1", func() {}); err == nil {
				e.close()
				t.Errorf("%s was taken", uri)
			}
		}
	}
	if _, err := openExternal(t.Context(), ConnectionString{URI: "mongodb://h/d", CA: []byte("no certificate")}, "1", func() {}); err == nil || !strings.Contains(err.Error(), "PEM") {
		t.Errorf("authorities that are none: %v", err)
	}
	for uri, database := range map[string]string{
		"mongodb://u:p@h1,h2:27018/papers?replicaSet=x": "papers", "mongodb://h": "", "mongodb+srv://u:a%2Fb@h/?w=majority": "",
		"mongodb://u:p@h/papers?appName=@account@": "papers",
	} {
		if _, _, got := split(uri); got != database {
			t.Errorf("the database of %s is %q", uri, got)
		}
	}
}
