package store_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"chatpdf.dev/operator/app/store"
	"chatpdf.dev/operator/internal/mongodtest"
)

func TestARotatedPasswordWorksWithoutARestart(t *testing.T) {
	rs := mongodtest.Start(t, mongodtest.Options{Auth: true, TLS: true})
	ca, err := os.ReadFile(rs.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	admin := connect(t, rs.URI)
	asAdmin(t, admin, bson.D{{Key: "createUser", Value: "app"}, {Key: "pwd", Value: "first-password"},
		{Key: "roles", Value: bson.A{bson.M{"role": "readWrite", "db": "chatpdf"}}}})
	uri := func(password string) string {
		return "mongodb://app:" + password + "@" + rs.Members[0].Address + "/chatpdf?replicaSet=rs0&tls=true&authSource=admin"
	}
	var current atomic.Value
	current.Store(uri("first-password"))
	var log bytes.Buffer
	s, err := store.Open(store.Options{
		URI: func() (string, error) { return current.Load().(string), nil },
		CA:  func() (string, error) { return string(ca), nil },
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.EnsureIndexes(t.Context()); err != nil {
		t.Fatal(err)
	}
	asAdmin(t, admin, bson.D{{Key: "dropUser", Value: "app"}})
	asAdmin(t, admin, bson.D{{Key: "createUser", Value: "app"}, {Key: "pwd", Value: "second-password"},
		{Key: "roles", Value: bson.A{bson.M{"role": "readWrite", "db": "chatpdf"}}}})
	rs.Members[0].Stop() // ends the connections that were let in with the first password
	rs.Members[0].Restart(t)
	current.Store(uri("second-password"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for s.Ping(ctx) != nil {
		if ctx.Err() != nil {
			t.Fatal("the new password is not used")
		}
	}
	if _, err := s.HasUsers(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); strings.Contains(text, "first-password") || strings.Contains(text, "second-password") {
		t.Fatalf("a password in the log: %s", text)
	}
}

func TestANewUserIsTakenUpInTheMiddleOfATransactionAndNothingFails(t *testing.T) {
	rs := mongodtest.Start(t, mongodtest.Options{Auth: true})
	admin := connect(t, rs.URI)
	for _, user := range []string{"app", "app-2"} {
		asAdmin(t, admin, bson.D{{Key: "createUser", Value: user}, {Key: "pwd", Value: "password"},
			{Key: "roles", Value: bson.A{bson.M{"role": "readWrite", "db": "chatpdf"}}}})
	}
	uri := func(user string) string {
		return "mongodb://" + user + ":password@" + rs.Members[0].Address + "/chatpdf?replicaSet=rs0&authSource=admin"
	}
	var current atomic.Value
	current.Store(uri("app"))
	s, err := store.Open(store.Options{
		URI: func() (string, error) { return current.Load().(string), nil },
		CA:  func() (string, error) { return "", nil },
		Log: slog.New(slog.DiscardHandler), LookAtURI: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	things := func() *mongo.Collection { return store.Collection(s, "things") }
	tries := 0
	err = store.Transact(ctx, s, func(ctx context.Context) error {
		tries++
		before := things().Database().Client()
		if _, err := things().InsertOne(ctx, bson.M{"_id": "first"}); err != nil {
			return err
		}
		current.Store(uri("app-2"))
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for tries == 1 && things().Database().Client() == before {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		_, err := things().InsertOne(ctx, bson.M{"_id": "second"})
		return err
	})
	if err != nil || tries != 2 {
		t.Fatalf("after %d tries: %v", tries, err)
	}
	if n, err := things().CountDocuments(ctx, bson.M{}); n != 2 || err != nil {
		t.Errorf("%d of 2 are there: %v", n, err)
	}
	if err := s.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestAConnectionStringThatCannotWorkIsRefusedWithoutShowingThePassword(t *testing.T) {
	for name, uri := range map[string]string{
		"unescaped at":    "mongodb://u:hunter2@x@host/db",
		"unescaped slash": "mongodb://u:hunter2/x@host/db",
		"bad option":      "mongodb://u:hunter2@host/db?maxPoolSize=many",
		"bad scheme":      "http://u:hunter2@host/db",
		"bad port":        "mongodb://u:hunter2@host:port/db",
	} {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(store.Options{
				URI: func() (string, error) { return uri, nil },
				CA:  func() (string, error) { return "", nil },
				Log: slog.New(slog.DiscardHandler),
			})
			if err == nil {
				s.Close(t.Context())
				t.Fatal("accepted")
			}
			if text := err.Error(); strings.Contains(text, "hunter2") || !strings.Contains(text, "MONGODB_URI") {
				t.Fatalf("message: %s", text)
			}
		})
	}
}

func connect(t *testing.T, uri string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Disconnect(context.Background()) }) //nolint:errcheck // nothing is in flight
	return client
}

func asAdmin(t *testing.T, client *mongo.Client, command bson.D) {
	t.Helper()
	if err := client.Database("admin").RunCommand(t.Context(), command).Err(); err != nil {
		t.Fatal(err)
	}
}
