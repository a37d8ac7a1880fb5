package ingest_test

import (
	"context"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/store"
	"chatpdf.dev/operator/app/store/storetest"
	"chatpdf.dev/operator/internal/mongodtest"
)

func TestAPrimaryThatDiesDelaysADocumentAndLosesNothing(t *testing.T) {
	rs := mongodtest.Start(t, mongodtest.Options{Members: 3})
	s := storetest.Open(t, rs.DatabaseURI(t))
	owner := storetest.User(t, s)
	job := storetest.Upload(t, s, owner, "book.pdf", book(1500))
	q, _ := newQueue(t, s)
	start(t, q)
	await(t, s, job, func(j store.Job) bool { return j.Document.PagesDone > 0 })
	primary(t, rs).Kill()
	job = await(t, s, job, settled)
	if d := job.Document; d.State != chatpdf.DocumentReady || d.PagesDone != 1500 {
		t.Fatalf("%+v, failure %+v", job, d.Failure)
	}
	if n := pageRows(t, s, owner); n != 1500 {
		t.Fatalf("%d pages can be searched, want 1500", n)
	}
}

// primary is the member that takes writes.
func primary(t *testing.T, rs *mongodtest.ReplicaSet) *mongodtest.Member {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(rs.URI))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Disconnect(context.Background()) //nolint:errcheck // nothing is in flight
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var hello struct{ Me string }
	if err := client.Database("admin").RunCommand(ctx, bson.M{"hello": 1}).Decode(&hello); err != nil {
		t.Fatal(err)
	}
	for _, m := range rs.Members {
		if m.Address == hello.Me {
			return m
		}
	}
	t.Fatalf("no member is at %s", hello.Me)
	return nil
}
