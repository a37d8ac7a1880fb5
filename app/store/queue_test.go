package store_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/store"
	"chatpdf.dev/operator/app/store/storetest"
)

func TestAJobIsClaimedByOneWorkerOnly(t *testing.T) {
	s := storetest.New(t, replicaSet)
	storetest.Upload(t, s, storetest.User(t, s), "a.pdf", []byte("a"))
	var mu sync.Mutex
	var claimed []*store.Lease
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			l, err := s.ClaimJob(t.Context(), "worker", time.Minute)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if l != nil {
				claimed = append(claimed, l)
			}
		})
	}
	workers.Wait()
	if len(claimed) != 1 || claimed[0].Attempt != 1 {
		t.Fatalf("claimed %d times, want once: %+v", len(claimed), claimed)
	}
}

func TestALostLeaseWritesNothing(t *testing.T) {
	s := storetest.New(t, replicaSet)
	owner := storetest.User(t, s)
	job := storetest.Upload(t, s, owner, "a.pdf", []byte("a"))
	old := claim(t, s, -time.Second) // expired from the start
	addText(t, s, old, 1)
	fresh := claim(t, s, time.Minute)
	if fresh.Attempt != 2 || fresh.Failed != 1 {
		t.Fatalf("second claim: attempt %d, failed %d", fresh.Attempt, fresh.Failed)
	}
	page, passages := pageWith(old.Document.ID, 2, "Two. Three.")
	for name, err := range map[string]error{
		"renewing":    s.RenewLease(t.Context(), old, time.Minute),
		"beginning":   s.BeginText(t.Context(), old, 9),
		"adding":      s.AddText(t.Context(), old, []chatpdf.Page{page}, passages, 2),
		"embedding":   s.AddVectors(t.Context(), old, passages, 2),
		"finishing":   s.FinishJob(t.Context(), old, nil),
		"failing":     s.FailJob(t.Context(), old, &chatpdf.Failure{Code: chatpdf.FailureDamaged}),
		"giving back": s.ReleaseJob(t.Context(), old, 0, true),
	} {
		if !errors.Is(err, store.ErrLeaseLost) {
			t.Errorf("%s with a lost lease: %v, want ErrLeaseLost", name, err)
		}
	}
	addText(t, s, fresh, 1)
	if err := s.FinishJob(t.Context(), fresh, nil); err != nil {
		t.Fatal(err)
	}
	got, err := s.Job(t.Context(), owner, job.ID)
	if err != nil || got.Document.State != chatpdf.DocumentReady || got.Document.Pages != 1 || got.Document.PagesDone != 1 || got.Attempts != 2 {
		t.Fatalf("job %+v, %v", got, err)
	}
	if texts := read(t, s, owner); !slices.Equal(texts, []string{"One.", "Eins."}) {
		t.Fatalf("passages %q", texts)
	}
}

func TestADeletedDocumentEndsItsLease(t *testing.T) {
	s := storetest.New(t, replicaSet)
	owner := storetest.User(t, s)
	storetest.Upload(t, s, owner, "a.pdf", []byte("a"))
	l := claim(t, s, time.Minute)
	addText(t, s, l, 1)
	if err := s.DeleteDocument(t.Context(), owner, l.Document.ID); err != nil {
		t.Fatal(err)
	}
	page, passages := pageWith(l.Document.ID, 2, "Two.")
	if err := s.AddText(t.Context(), l, []chatpdf.Page{page}, passages, 2); !errors.Is(err, store.ErrLeaseLost) {
		t.Fatalf("adding text to a deleted document: %v", err)
	}
	for name, n := range count(t, s, "documents", "pages", "passages", "orphans", "fs.files", "fs.chunks") {
		if n != 0 {
			t.Errorf("%d left in %s", n, name)
		}
	}
}

func TestAJobGivenBackIsClaimedAtOnceAndCountsNoFailure(t *testing.T) {
	s := storetest.New(t, replicaSet)
	storetest.Upload(t, s, storetest.User(t, s), "a.pdf", []byte("a"))
	if err := s.ReleaseJob(t.Context(), claim(t, s, time.Minute), 0, false); err != nil {
		t.Fatal(err)
	}
	l := claim(t, s, time.Minute)
	if l.Attempt != 2 || l.Failed != 0 {
		t.Fatalf("attempt %d, failed %d", l.Attempt, l.Failed)
	}
	if err := s.ReleaseJob(t.Context(), l, time.Hour, true); err != nil {
		t.Fatal(err)
	}
	if again, err := s.ClaimJob(t.Context(), "worker", time.Minute); again != nil || err != nil {
		t.Fatalf("a delayed job was claimed: %+v, %v", again, err)
	}
}

func TestWatchersHearOfNewAndReturnedJobs(t *testing.T) {
	s := storetest.New(t, replicaSet)
	owner := storetest.User(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	woken := make(chan struct{}, 100)
	done := make(chan error)
	go func() { done <- s.WatchQueue(ctx, func() { woken <- struct{}{} }) }()
	<-woken // the stream has begun
	storetest.Upload(t, s, owner, "a.pdf", []byte("a"))
	<-woken
	l := claim(t, s, time.Minute)
	if err := s.RenewLease(t.Context(), l, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := s.ReleaseJob(t.Context(), l, 0, false); err != nil {
		t.Fatal(err)
	}
	<-woken
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if len(woken) != 0 {
		t.Fatalf("woken %d times for nothing", len(woken))
	}
}

func TestQueueStatsCountWhatIsNotDone(t *testing.T) {
	s := storetest.New(t, replicaSet)
	owner := storetest.User(t, s)
	for _, content := range []string{"a", "b", "c"} {
		storetest.Upload(t, s, owner, "x.pdf", []byte(content))
	}
	if err := s.FailJob(t.Context(), claim(t, s, time.Minute), &chatpdf.Failure{}); err != nil {
		t.Fatal(err)
	}
	claim(t, s, time.Minute)
	stats, err := s.QueueStats(t.Context())
	if err != nil || stats.Queued != 1 || stats.Processing != 1 || stats.OldestQueued <= 0 {
		t.Fatalf("%+v, %v", stats, err)
	}
}

func claim(t *testing.T, s *store.Store, lease time.Duration) *store.Lease {
	t.Helper()
	l, err := s.ClaimJob(t.Context(), "worker", lease)
	if err != nil || l == nil {
		t.Fatalf("claiming: %+v, %v", l, err)
	}
	return l
}
