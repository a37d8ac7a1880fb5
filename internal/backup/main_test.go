package backup_test

import (
	"context"
	"crypto/rand"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"chatpdf.dev/operator/internal/mongodtest"
)

// replicaSet is shared by the tests of this package; each has a database of its own.
var replicaSet *mongodtest.ReplicaSet

func TestMain(m *testing.M) {
	os.Exit(mongodtest.Main(m, mongodtest.Options{Members: 3, Auth: true}, &replicaSet))
}

// world is a database for one test, and the users that the jobs have.
type world struct {
	root, reader, writer *mongo.Client
	database             string
	db                   *mongo.Database // root's view
}

func newWorld(t testing.TB) *world {
	t.Helper()
	uri := replicaSet.DatabaseURI(t)
	w := &world{database: "test-" + strings.ToLower(rand.Text()[:12])}
	w.root = connect(t, uri, nil)
	w.db = w.root.Database(w.database)
	w.reader = connect(t, w.user(t, "reader", "read"), nil)
	w.writer = connect(t, w.user(t, "writer", "readWrite"), nil)
	return w
}

// user makes a user with one role on the database and returns its connection string.
func (w *world) user(t testing.TB, name, role string) string {
	t.Helper()
	name += "-" + w.database
	create := bson.D{
		{Key: "createUser", Value: name}, {Key: "pwd", Value: "secret"},
		{Key: "roles", Value: bson.A{bson.M{"role": role, "db": w.database}}}, {Key: "writeConcern", Value: bson.M{"w": 3}},
	}
	if err := w.root.Database("admin").RunCommand(t.Context(), create).Err(); err != nil {
		t.Fatal(err)
	}
	return replicaSet.URIFor(name, "secret", "")
}

func connect(t testing.TB, uri string, monitor *event.CommandMonitor) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri).SetWriteConcern(writeconcern.Majority()).SetMonitor(monitor))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Disconnect(context.Background()) }) //nolint:errcheck // the servers go as well
	return client
}

// insert adds documents to a collection.
func (w *world) insert(t testing.TB, collection string, documents ...any) {
	t.Helper()
	if _, err := w.db.Collection(collection).InsertMany(t.Context(), documents); err != nil {
		t.Fatal(err)
	}
}

// contents are the documents of each collection as extended JSON, sorted, with the indexes before them.
func (w *world) contents(t *testing.T) map[string][]string {
	t.Helper()
	names, err := w.db.ListCollectionNames(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, name := range names {
		if strings.HasPrefix(name, "restore.") {
			continue
		}
		lines := append(w.lines(t, name), w.definition(t, name)...)
		slices.Sort(lines)
		all[name] = lines
	}
	return all
}

func (w *world) lines(t *testing.T, name string) []string {
	t.Helper()
	cursor, err := w.db.Collection(name).Find(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	var documents []bson.Raw
	if err := cursor.All(t.Context(), &documents); err != nil {
		t.Fatal(err)
	}
	lines := []string{}
	for _, d := range documents {
		lines = append(lines, d.String())
	}
	return lines
}

func (w *world) definition(t *testing.T, name string) []string {
	t.Helper()
	var lines []string
	cursor, err := w.db.Collection(name).Indexes().List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var indexes []bson.Raw
	if err := cursor.All(t.Context(), &indexes); err != nil {
		t.Fatal(err)
	}
	for _, index := range indexes {
		lines = append(lines, "index "+index.String())
	}
	specifications, err := w.db.ListCollectionSpecifications(t.Context(), bson.D{{Key: "name", Value: name}})
	if err != nil || len(specifications) != 1 {
		t.Fatal(specifications, err)
	}
	return append(lines, "options "+specifications[0].Options.String())
}

// same fails the test where two contents differ, and says in which collections.
func same(t *testing.T, got, want map[string][]string) {
	t.Helper()
	for name := range maps.Keys(want) {
		if !slices.Equal(got[name], want[name]) {
			t.Errorf("collection %s: %d lines, want %d:\n%.300q\n%.300q", name, len(got[name]), len(want[name]), got[name], want[name])
		}
	}
	for name := range got {
		if want[name] == nil {
			t.Errorf("collection %s is there, and should not be", name)
		}
	}
}

// moment is a fixed time for documents.
var moment = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
