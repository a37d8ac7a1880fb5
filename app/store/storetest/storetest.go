// Package storetest gives tests a Store on a real mongod.
package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"testing"
	"time"

	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/retrieve"
	"chatpdf.dev/operator/app/store"
	"chatpdf.dev/operator/internal/mongodtest"
)

// New opens a Store with indexes on a database of its own.
func New(t testing.TB, rs *mongodtest.ReplicaSet) *store.Store {
	t.Helper()
	return Open(t, rs.DatabaseURI(t))
}

// Open opens another Store on the database of uri, as another replica would.
func Open(t testing.TB, uri string) *store.Store {
	t.Helper()
	s, err := store.Open(store.Options{
		URI: func() (string, error) { return uri, nil },
		CA:  func() (string, error) { return "", nil },
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.Close(ctx)
	})
	if err := s.EnsureIndexes(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// User makes an account that nobody can sign in to.
func User(t testing.TB, s *store.Store) chatpdf.UserID {
	t.Helper()
	u, err := s.CreateUser(t.Context(), strings.ToLower(rand.Text()), "", store.RoleUser)
	if err != nil {
		t.Fatal(err)
	}
	return u.ID
}

// Upload stores a file as a document.
func Upload(t testing.TB, s *store.Store, owner chatpdf.UserID, name string, content []byte) store.Job {
	t.Helper()
	u, err := s.BeginUpload(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bytes.NewReader(content).WriteTo(u); err != nil {
		t.Fatal(err)
	}
	job, _, err := u.Commit(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// Ready stores a document that can be searched, each of its pages a text of sentences that end with a full stop.
func Ready(t testing.TB, s *store.Store, owner chatpdf.UserID, name string, pages ...string) store.Job {
	t.Helper()
	job := Upload(t, s, owner, name, []byte("%PDF-1.7 "+name))
	lease, err := s.ClaimJob(t.Context(), "storetest", time.Minute)
	if err != nil || lease == nil {
		t.Fatalf("claiming the job of %s: %v", name, err)
	}
	if err := s.BeginText(t.Context(), lease, len(pages)); err != nil {
		t.Fatal(err)
	}
	ordinal := 0
	for i, text := range pages {
		page := chatpdf.Page{Number: i + 1, Width: 595, Height: 842, Text: text}
		for start := 0; start < len(text); {
			end := len(text)
			if stop := strings.Index(text[start:], "."); stop >= 0 {
				end = start + stop + 1
			}
			page.Sentences = append(page.Sentences, chatpdf.Sentence{Start: start, End: end,
				Rects: []chatpdf.Rect{{X0: .1, Y0: .1, X1: .9, Y1: .2}}})
			start = end + 1
		}
		passages := retrieve.Passages(job.Document.ID, page, ordinal)
		ordinal += len(passages)
		if err := s.AddText(t.Context(), lease, []chatpdf.Page{page}, passages, i+1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.FinishJob(t.Context(), lease, nil); err != nil {
		t.Fatal(err)
	}
	return job
}
