package ingest_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/pdf"
	"chatpdf.dev/operator/app/pdf/pdftest"
	"chatpdf.dev/operator/app/retrieve"
	"chatpdf.dev/operator/app/store"
	"chatpdf.dev/operator/app/store/storetest"
)

// book is a PDF whose page N says that its own number is N.
func book(pages int) []byte {
	var all []pdftest.Page
	for n := 1; n <= pages; n++ {
		all = append(all, pdftest.Prose(fmt.Sprintf("This is page number %d of the book.", n), "It has a second sentence."))
	}
	return pdftest.Write(all...)
}

func TestAnUploadedDocumentBecomesSearchable(t *testing.T) {
	s := storetest.New(t, replicaSet)
	q, registry := newQueue(t, s)
	start(t, q)
	owner := storetest.User(t, s)
	job := await(t, s, storetest.Upload(t, s, owner, "book.pdf", book(70)), settled)
	if d := job.Document; d.State != chatpdf.DocumentReady || d.Pages != 70 || d.PagesDone != 70 || job.Attempts != 1 {
		t.Fatalf("%+v", job)
	}
	hits := search(t, s, owner, "page number 42")
	if len(hits) == 0 || hits[0].Page != 42 || len(hits[0].Sentences) != 2 || len(hits[0].Sentences[0].Rects) == 0 {
		t.Fatalf("hits %+v", hits)
	}
	if n := metric(t, registry, "chatpdf_ingest_pages_total"); n != 70 {
		t.Errorf("pages counted: %v", n)
	}
}

func TestBadDocumentsFailWithAReasonAndTheWorkerLives(t *testing.T) {
	s := storetest.New(t, replicaSet)
	q, _ := newQueue(t, s)
	q.Extractor.Limits = pdf.Limits{Pages: 50}
	start(t, q)
	owner := storetest.User(t, s)
	whole := book(3)
	for name, test := range map[string]struct {
		content []byte
		want    chatpdf.FailureCode
	}{
		"not a PDF":      {[]byte("PK\x03\x04 a letter"), chatpdf.FailureNotPDF},
		"only the mark":  {[]byte("%PDF-1.7\n"), chatpdf.FailureDamaged},
		"encrypted":      {pdftest.Encrypted(), chatpdf.FailureEncrypted},
		"scan":           {pdftest.Scan(2), chatpdf.FailureNoText},
		"too many pages": {book(51), chatpdf.FailureTooManyPages},
		"truncated":      {whole[:len(whole)/3], chatpdf.FailureDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			job := await(t, s, storetest.Upload(t, s, owner, name, test.content), settled)
			if d := job.Document; d.State != chatpdf.DocumentFailed || d.Failure.Code != test.want || d.Failure.Message == "" {
				t.Fatalf("state %s, failure %+v, want %s", d.State, d.Failure, test.want)
			}
		})
	}
	await(t, s, storetest.Upload(t, s, owner, "looping page tree", pdftest.Looping()), settled)
	job := await(t, s, storetest.Upload(t, s, owner, "good.pdf", whole), settled)
	if job.Document.State != chatpdf.DocumentReady {
		t.Fatalf("after all that: %+v", job.Document.Failure)
	}
}

func TestTenThousandPagesAreTakenIn(t *testing.T) {
	if testing.Short() {
		t.Skip("takes most of a minute")
	}
	s := storetest.New(t, replicaSet)
	q, _ := newQueue(t, s)
	start(t, q)
	owner := storetest.User(t, s)
	job := await(t, s, storetest.Upload(t, s, owner, "big.pdf", book(10_000)), settled)
	if d := job.Document; d.State != chatpdf.DocumentReady || d.PagesDone != 10_000 || job.Attempts != 1 {
		t.Fatalf("%+v, failure %v", job, d.Failure)
	}
}

func TestADocumentThatKillsItsWorkersIsGivenUpAfterThreeAttempts(t *testing.T) {
	s := storetest.New(t, replicaSet)
	job := storetest.Upload(t, s, storetest.User(t, s), "killer.pdf", book(1))
	for range 3 { // three workers that die: their leases run out
		if l, err := s.ClaimJob(t.Context(), "dead", -time.Second); l == nil || err != nil {
			t.Fatal(l, err)
		}
	}
	q, _ := newQueue(t, s)
	start(t, q)
	job = await(t, s, job, settled)
	if d := job.Document; d.Failure == nil || d.Failure.Code != chatpdf.FailureWorkerCrashing {
		t.Fatalf("%+v", d)
	}
}

func TestAnAbandonedJobIsFoundByThePollAndFinishedOnce(t *testing.T) {
	s := storetest.New(t, replicaSet)
	owner := storetest.User(t, s)
	job := storetest.Upload(t, s, owner, "book.pdf", book(40))
	dead, err := s.ClaimJob(t.Context(), "dead", 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	page := chatpdf.Page{Number: 1, Text: "Half a result."}
	if err := s.AddText(t.Context(), dead, []chatpdf.Page{page}, retrieve.Passages(dead.Document.ID, page, 0), 1); err != nil {
		t.Fatal(err)
	}
	q, _ := newQueue(t, s)
	start(t, q)
	job = await(t, s, job, settled)
	if d := job.Document; d.State != chatpdf.DocumentReady || d.PagesDone != 40 || job.Attempts != 2 {
		t.Fatalf("%+v", job)
	}
	if n := pageRows(t, s, owner); n != 40 {
		t.Fatalf("%d pages can be searched, want 40", n)
	}
}

func TestAWorkerThatLosesItsLeaseStopsAndItsSuccessorsResultStands(t *testing.T) {
	uri := replicaSet.DatabaseURI(t)
	s := storetest.Open(t, uri)
	owner := storetest.User(t, s)
	job := storetest.Upload(t, s, owner, "book.pdf", book(1500))
	q, registry := newQueue(t, s)
	q.Workers, q.Timing.Lease = 1, 900*time.Millisecond
	stop := start(t, q)
	await(t, s, job, func(j store.Job) bool { return j.Document.PagesDone > 0 })
	thief := steal(t, s, uri, job)
	page := chatpdf.Page{Number: 1, Text: "The thief wrote this.", Sentences: []chatpdf.Sentence{{Start: 0, End: 21}}}
	if err := s.BeginText(t.Context(), thief, 1); err != nil {
		t.Fatal(err)
	}
	if err := s.AddText(t.Context(), thief, []chatpdf.Page{page}, retrieve.Passages(thief.Document.ID, page, 0), 1); err != nil {
		t.Fatal(err)
	}
	if err := s.FinishJob(t.Context(), thief, nil); err != nil {
		t.Fatal(err)
	}
	awaitMetric(t, registry, "chatpdf_ingest_documents_total", 1)
	stop()
	job = await(t, s, job, settled)
	if d := job.Document; d.State != chatpdf.DocumentReady || d.Pages != 1 {
		t.Fatalf("%+v", job)
	}
	if n := pageRows(t, s, owner); n != 1 {
		t.Fatalf("%d pages can be searched, want the thief's only", n)
	}
}

func TestStoppingGivesTheJobBackForSomebodyElse(t *testing.T) {
	s := storetest.New(t, replicaSet)
	job := storetest.Upload(t, s, storetest.User(t, s), "book.pdf", book(1500))
	first, _ := newQueue(t, s)
	first.Timing.Lease = time.Hour // only a job that is given back can be finished by the other in time
	stop := start(t, first)
	await(t, s, job, func(j store.Job) bool { return j.Document.PagesDone > 0 })
	stop()
	if j := await(t, s, job, func(store.Job) bool { return true }); j.Document.State != chatpdf.DocumentQueued {
		t.Fatalf("after stopping: %+v", j)
	}
	second, _ := newQueue(t, s)
	start(t, second)
	job = await(t, s, job, settled)
	if d := job.Document; d.State != chatpdf.DocumentReady || d.PagesDone != 1500 || job.Attempts != 2 {
		t.Fatalf("%+v", job)
	}
}

// search finds passages of an owner by words.
func search(t *testing.T, s *store.Store, owner chatpdf.UserID, words string) []chatpdf.Passage {
	t.Helper()
	documents, err := s.SearchableDocuments(t.Context(), owner, nil, 10)
	if err != nil {
		t.Fatal(err)
	}
	var found []chatpdf.Passage
	for _, d := range documents {
		builder := retrieve.NewBuilder(d.ID)
		for p, err := range s.Passages(t.Context(), d) {
			if err != nil {
				t.Fatal(err)
			}
			builder.Add(p)
		}
		for _, hit := range retrieve.Search([]*retrieve.Index{builder.Index()}, retrieve.Query{Text: words, Limit: 3}) {
			passages, err := s.PassagesAt(t.Context(), d, []int{hit.Ordinal})
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, passages...)
		}
	}
	return found
}

// pageRows counts the pages that an owner's passages lie on.
func pageRows(t *testing.T, s *store.Store, owner chatpdf.UserID) int {
	t.Helper()
	documents, err := s.SearchableDocuments(t.Context(), owner, nil, 10)
	if err != nil {
		t.Fatal(err)
	}
	pages := map[int]bool{}
	for _, d := range documents {
		for p, err := range s.Passages(t.Context(), d) {
			if err != nil {
				t.Fatal(err)
			}
			pages[p.Page] = true
		}
	}
	return len(pages)
}

// steal claims a job whose worker still renews its lease, by letting the lease run out between two renewals.
func steal(t *testing.T, s *store.Store, uri string, job store.Job) *store.Lease {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Disconnect(context.Background()) //nolint:errcheck // nothing is in flight
	parsed, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	documents := client.Database(strings.Trim(parsed.Path, "/")).Collection("documents")
	for {
		expire := bson.M{"$set": bson.M{"job.due": time.Unix(0, 0)}}
		if _, err := documents.UpdateByID(t.Context(), job.Document.ID, expire); err != nil {
			t.Fatal(err)
		}
		l, err := s.ClaimJob(t.Context(), "thief", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if l != nil {
			return l
		}
	}
}

// awaitMetric waits until a counter has come to want.
func awaitMetric(t *testing.T, r *prometheus.Registry, name string, want float64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for metric(t, r, name) < want {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s stays %v, want %v", name, metric(t, r, name), want)
		}
	}
}

func metric(t *testing.T, r *prometheus.Registry, name string) (sum float64) {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}
