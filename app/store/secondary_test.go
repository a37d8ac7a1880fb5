package store_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"chatpdf.dev/operator/app/store"
	"chatpdf.dev/operator/app/store/storetest"
	"chatpdf.dev/operator/internal/mongodtest"
)

// TestFilesComeFromSecondariesAndAreWholeWhateverTheseLack reads from a set of which one secondary lacks what was written
// last, and the other one goes away in the middle.
func TestFilesComeFromSecondariesAndAreWholeWhateverTheseLack(t *testing.T) {
	t.Parallel()
	rs := mongodtest.Start(t, mongodtest.Options{Members: 3, Parameters: []string{"enableTestCommands=1"}})
	uri := rs.URIFor("", "", "files")
	s, err := store.Open(store.Options{
		URI: func() (string, error) { return uri, nil }, CA: func() (string, error) { return "", nil },
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), FilesFromSecondaries: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	if err := s.EnsureIndexes(t.Context()); err != nil {
		t.Fatal(err)
	}
	direct := make([]*mongo.Client, len(rs.Members))
	primary := 0
	for i, m := range rs.Members {
		if direct[i], err = mongo.Connect(options.Client().SetHosts([]string{m.Address}).SetDirect(true)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second) // one of them is gone
			defer cancel()
			direct[i].Disconnect(ctx) //nolint:errcheck // see above
		})
		var hello struct {
			Primary bool `bson:"isWritablePrimary"`
		}
		command(t, direct[i], "admin", bson.D{{Key: "hello", Value: 1}}, &hello)
		if hello.Primary {
			primary = i
		}
		command(t, direct[i], "files", bson.D{{Key: "profile", Value: 2}}, nil)
	}
	lagging, other := (primary+1)%3, (primary+2)%3

	owner := storetest.User(t, s)
	content := bytes.Repeat([]byte("%PDF-1.7 0123456789abcdef"), 200_000)
	later := bytes.Repeat([]byte("%PDF-1.7 fedcba9876543210"), 200_000) // the same would be stored once
	read := func(job store.Job, content []byte, at int, then func()) {
		t.Helper()
		file, _, err := s.OpenFile(t.Context(), owner, job.Document.ID)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		got := make([]byte, at)
		if _, err := io.ReadFull(file, got); err != nil {
			t.Fatal(err)
		}
		then()
		rest, err := io.ReadAll(file)
		if got := slices.Concat(got, rest); err != nil || !bytes.Equal(got, content) {
			t.Fatalf("%d bytes of %d are read, and not the same: %v", len(got), len(content), err)
		}
	}
	nothing := func() {}
	first := storetest.Upload(t, s, owner, "first.pdf", content)
	for _, i := range []int{lagging, other} {
		eventually(t, "the file at a secondary", func() bool { return chunks(t, direct[i]) == chunks(t, direct[primary]) })
	}
	for range 5 {
		read(first, content, 0, nothing)
	}
	if reads := chunkReads(t, direct[primary]); reads > 0 {
		t.Errorf("the primary was read %d times", reads)
	}
	if chunkReads(t, direct[lagging])+chunkReads(t, direct[other]) == 0 {
		t.Error("no secondary was read")
	}

	command(t, direct[lagging], "admin", bson.D{{Key: "configureFailPoint", Value: "rsSyncApplyStop"}, {Key: "mode", Value: "alwaysOn"}}, nil)
	storetest.Upload(t, s, owner, "between.pdf", append(later, 0)) // the batch at which it stops
	second := storetest.Upload(t, s, owner, "second.pdf", later)
	for range 10 {
		read(second, later, 0, nothing)
	}
	if chunkReads(t, direct[primary]) == 0 {
		t.Error("what the lagging one lacks was read from nobody")
	}
	read(second, later, 1<<20, func() { rs.Members[other].Kill() })
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("gave up waiting for %s", what)
		}
	}
}

// chunks are the parts of files that a member has.
func chunks(t *testing.T, member *mongo.Client) int64 {
	t.Helper()
	n, err := member.Database("files").Collection("fs.chunks").CountDocuments(t.Context(), bson.M{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// chunkReads counts the reads of content that a member has answered.
func chunkReads(t *testing.T, member *mongo.Client) int64 {
	t.Helper()
	n, err := member.Database("files").Collection("system.profile").CountDocuments(t.Context(), bson.M{"ns": "files.fs.chunks", "op": bson.M{"$in": bson.A{"query", "getmore"}}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func command(t *testing.T, member *mongo.Client, database string, command bson.D, reply any) {
	t.Helper()
	result := member.Database(database).RunCommand(t.Context(), command)
	err := result.Err()
	if reply != nil {
		err = result.Decode(reply)
	}
	if err != nil {
		t.Fatal(err)
	}
}
