package ingest_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/ingest"
	"chatpdf.dev/operator/app/pdf"
	"chatpdf.dev/operator/app/store"
	"chatpdf.dev/operator/internal/mongodtest"
)

// replicaSet is shared by the tests of this package; each has a database of its own.
var replicaSet *mongodtest.ReplicaSet

// executable is the chatpdf binary, built without the race detector: the child process reads PDFs ten times as fast.
var executable string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ingest-test-")
	if err == nil {
		defer os.RemoveAll(dir)
		executable = filepath.Join(dir, "chatpdf")
		var output []byte
		if output, err = exec.Command("go", "build", "-o", executable, "chatpdf.dev/operator/app").CombinedOutput(); err != nil {
			err = fmt.Errorf("building chatpdf: %w\n%s", err, output)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return mongodtest.Main(m, mongodtest.Options{}, &replicaSet)
}

// newQueue is a queue as in production, but less patient.
func newQueue(t *testing.T, s *store.Store) (*ingest.Queue, *prometheus.Registry) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	return &ingest.Queue{
		Store: s, Workers: 2, SpoolDir: t.TempDir(), Metrics: ingest.NewMetrics(registry),
		Extractor: &pdf.Extractor{Executable: executable, CacheDir: filepath.Join(cache, "chatpdf-operator", "pdfium")},
		Log:       slog.New(slog.NewTextHandler(t.Output(), nil)),
		Timing:    ingest.Timing{Lease: 10 * time.Second, Poll: 200 * time.Millisecond, Retry: 10 * time.Millisecond, Sweep: time.Hour},
	}, registry
}

// start lets the queue work until stop is called, or the test ends.
func start(t *testing.T, q *ingest.Queue) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- q.Run(ctx) }()
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// await waits until the document is as wanted.
func await(t *testing.T, s *store.Store, job store.Job, wanted func(store.Job) bool) store.Job {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		now, err := s.Job(ctx, job.Document.Owner, job.ID)
		if err == nil && wanted(now) {
			return now
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the document stays %+v, %v", now, err)
		}
	}
}

func settled(j store.Job) bool {
	return j.Document.State == chatpdf.DocumentReady || j.Document.State == chatpdf.DocumentFailed
}
