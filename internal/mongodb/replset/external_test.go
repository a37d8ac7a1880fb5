package replset

import (
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
			if !first.Usable() {
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
	if seen := e.look(t.Context()); seen.Kind != mongodb.ExternalStandalone || seen.Usable() || seen.Authenticated || seen.Database != "chatpdf" {
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
	if _, err := openExternal(t.Context(), ConnectionString{URI: "mongodb://h/d", CA: []byte("no certificate")}, "1", func() {}); err == nil || !strings.Contains(err.Error(), "PEM") {
		t.Errorf("authorities that are none: %v", err)
	}
	for uri, database := range map[string]string{
		"mongodb://u:p@h1,h2:27018/papers?replicaSet=x": "papers", "mongodb://h": "chatpdf", "mongodb+srv://u:a%2Fb@h/?w=majority": "chatpdf",
	} {
		if got := databaseOf(uri); got != database {
			t.Errorf("the database of %s is %q", uri, got)
		}
	}
}
