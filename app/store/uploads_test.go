package store_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"chatpdf.dev/operator/app/store"
	"chatpdf.dev/operator/app/store/storetest"
)

// noise is content that spans several chunks and batches and ends within a chunk.
func noise(size int) []byte {
	content := make([]byte, size)
	source := rand.NewChaCha8([32]byte{1})
	source.Read(content) //nolint:errcheck // it never fails
	return content
}

func TestAStoredFileReadsBackFromAnyPlace(t *testing.T) {
	s := storetest.New(t, replicaSet)
	owner := storetest.User(t, s)
	content := noise(3<<20 + 12345)
	job := storetest.Upload(t, s, owner, "noise.pdf", content)
	sum := sha256.Sum256(content)
	if d := job.Document; d.Size != int64(len(content)) || d.SHA256 != hex.EncodeToString(sum[:]) {
		t.Fatalf("size %d, digest %s", d.Size, d.SHA256)
	}
	f, _, err := s.OpenFile(t.Context(), owner, job.Document.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := iotest.TestReader(f, content); err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int64{0, 1, 255 << 10, 255<<10 - 1, 1 << 20, int64(len(content)) - 1} {
		if _, err := f.Seek(offset, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, min(300<<10, int64(len(content))-offset))
		if _, err := io.ReadFull(f, got); err != nil || !bytes.Equal(got, content[offset:offset+int64(len(got))]) {
			t.Fatalf("reading at %d: %v", offset, err)
		}
	}
}

func TestTheSameFileTwiceAtOnceIsOneDocument(t *testing.T) {
	s := storetest.New(t, replicaSet)
	owner := storetest.User(t, s)
	content := noise(600 << 10)
	var created atomic.Int32
	var uploads sync.WaitGroup
	for range 6 {
		uploads.Go(func() {
			u, err := s.BeginUpload(t.Context(), owner)
			if err == nil {
				_, err = u.Write(content)
			}
			var fresh bool
			if err == nil {
				_, fresh, err = u.Commit(t.Context(), "same.pdf")
			}
			if err != nil {
				t.Error(err)
			}
			if fresh {
				created.Add(1)
			}
		})
	}
	uploads.Wait()
	if created.Load() != 1 {
		t.Errorf("created %d documents, want 1", created.Load())
	}
	want := map[string]int64{"documents": 1, "fs.files": 1, "fs.chunks": 3, "orphans": 0}
	for name, n := range count(t, s, "documents", "fs.files", "fs.chunks", "orphans") {
		if n != want[name] {
			t.Errorf("%d rows in %s, want %d", n, name, want[name])
		}
	}
	other := storetest.Upload(t, s, storetest.User(t, s), "same.pdf", content)
	if list, _, err := s.Documents(t.Context(), owner, 10, ""); err != nil || len(list) != 1 || list[0].ID == other.Document.ID {
		t.Fatalf("another owner's file is the same document: %v, %v", list, err)
	}
}

func TestAnUploadIsSweptOnceItIsAbandonedAndNotBefore(t *testing.T) {
	s := storetest.New(t, replicaSet)
	owner := storetest.User(t, s)
	for range 2 {
		u, err := s.BeginUpload(t.Context(), owner)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := u.Write(noise(2 << 20)); err != nil {
			t.Fatal(err)
		}
	}
	sweep(t, s, 0)
	makeDue(t, s)
	sweep(t, s, 2)
	for name, n := range count(t, s, "fs.chunks", "orphans") {
		if n != 0 {
			t.Errorf("%d left in %s", n, name)
		}
	}
}

func TestAnUploadThatWasSweptCannotBecomeADocument(t *testing.T) {
	s := storetest.New(t, replicaSet)
	u, err := s.BeginUpload(t.Context(), storetest.User(t, s))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Write(noise(100)); err != nil {
		t.Fatal(err)
	}
	makeDue(t, s)
	sweep(t, s, 1)
	if _, _, err := u.Commit(t.Context(), "late.pdf"); err == nil {
		t.Fatal("it became a document whose file is gone")
	}
	if err := u.Abort(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestAbortAfterCommitRemovesNothing(t *testing.T) {
	s := storetest.New(t, replicaSet)
	owner := storetest.User(t, s)
	u, err := s.BeginUpload(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Write(noise(100)); err != nil {
		t.Fatal(err)
	}
	job, _, err := u.Commit(t.Context(), "kept.pdf")
	if err != nil {
		t.Fatal(err)
	}
	if err := u.Abort(t.Context()); err != nil {
		t.Fatal(err)
	}
	f, _, err := s.OpenFile(t.Context(), owner, job.Document.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); err != nil || len(got) != 100 {
		t.Fatalf("read %d bytes, %v", len(got), err)
	}
}

func TestADeletionThatWasCutOffIsFinishedBySweep(t *testing.T) {
	s := storetest.New(t, replicaSet)
	owner := storetest.User(t, s)
	storetest.Upload(t, s, owner, "a.pdf", noise(1<<20))
	l := claim(t, s, time.Minute)
	addText(t, s, l, 3)
	// What is left if the process dies right after the transaction of DeleteDocument.
	file := bson.M{}
	if err := store.Collection(s, "fs.files").FindOne(t.Context(), bson.M{}).Decode(&file); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Collection(s, "documents").DeleteOne(t.Context(), bson.M{"_id": l.Document.ID}); err != nil {
		t.Fatal(err)
	}
	record := bson.M{"_id": file["_id"], "document": l.Document.ID, "removeAt": time.Now().Add(-time.Second), "removing": true}
	if _, err := store.Collection(s, "orphans").InsertOne(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	sweep(t, s, 1)
	for name, n := range count(t, s, "fs.files", "fs.chunks", "pages", "passages", "orphans") {
		if n != 0 {
			t.Errorf("%d left in %s", n, name)
		}
	}
}

func TestOwnersSeeOnlyTheirOwn(t *testing.T) {
	s := storetest.New(t, replicaSet)
	alice, bob := storetest.User(t, s), storetest.User(t, s)
	job := storetest.Upload(t, s, alice, "a.pdf", []byte("a"))
	l := claim(t, s, time.Minute)
	addText(t, s, l, 1)
	if err := s.FinishJob(t.Context(), l, nil); err != nil {
		t.Fatal(err)
	}
	_, documentErr := s.Document(t.Context(), bob, job.Document.ID)
	_, jobErr := s.Job(t.Context(), bob, job.ID)
	_, _, fileErr := s.OpenFile(t.Context(), bob, job.Document.ID)
	_, _, listErr := s.Documents(t.Context(), bob, 10, job.Document.ID)
	deleteErr := s.DeleteDocument(t.Context(), bob, job.Document.ID)
	for name, err := range map[string]error{"document": documentErr, "job": jobErr, "file": fileErr, "list": listErr, "delete": deleteErr} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	if texts := read(t, s, bob); len(texts) != 0 {
		t.Errorf("bob can search %q", texts)
	}
	if texts := read(t, s, alice); len(texts) != 2 {
		t.Errorf("alice can search %q", texts)
	}
}

func TestDocumentsAreListedNewestFirstInPages(t *testing.T) {
	s := storetest.New(t, replicaSet)
	owner := storetest.User(t, s)
	var want []string
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		storetest.Upload(t, s, owner, name, []byte(name))
		want = append([]string{name}, want...)
	}
	var got []string
	list, more, err := s.Documents(t.Context(), owner, 2, "")
	for ; err == nil; list, more, err = s.Documents(t.Context(), owner, 2, list[len(list)-1].ID) {
		for _, d := range list {
			got = append(got, d.Name)
		}
		if !more {
			break
		}
	}
	if err != nil || len(got) != len(want) {
		t.Fatalf("%v, %v", got, err)
	}
	seen := map[string]bool{} // those of the same millisecond may come in any order
	for _, name := range got {
		seen[name] = true
	}
	if len(seen) != len(want) {
		t.Fatalf("%v, want %v", got, want)
	}
}

// makeDue lets time pass for everything in orphans.
func makeDue(t *testing.T, s *store.Store) {
	t.Helper()
	past := bson.M{"$set": bson.M{"removeAt": time.Now().Add(-time.Second)}}
	if _, err := store.Collection(s, "orphans").UpdateMany(t.Context(), bson.M{}, past); err != nil {
		t.Fatal(err)
	}
}

func sweep(t *testing.T, s *store.Store, want int) {
	t.Helper()
	if n, err := s.Sweep(t.Context()); err != nil || n != want {
		t.Fatalf("swept %d, %v; want %d", n, err, want)
	}
}
