// Package ingest takes uploaded documents in: a queue in the database, workers that hold leases, and
// for each document a child process that reads it.
//
// What holds here:
//
//   - A job survives its worker. The lease of a worker that died runs out and another one starts
//     the document afresh, in an attempt of its own; a worker that lost its lease stops and can
//     write nothing more.
//   - A document that makes workers die is given up after three attempts. A worker that is told to
//     stop gives its job back, which counts as no attempt.
//   - Workers sleep until the database says that there is work. A slow poll finds expired leases
//     and whatever the stream of changes missed.
//   - A document's bytes reach the disk only as a file that has no name any more, so nothing is left
//     behind however the process ends.
package ingest

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"math"
	"os"
	"sync"
	"time"

	"chatpdf.dev/operator/app/llm"
	"chatpdf.dev/operator/app/pdf"
	"chatpdf.dev/operator/app/store"
)

// maxFailed is how many attempts may end without a result.
const maxFailed = 3

// Queue runs the workers of one process.
type Queue struct {
	Store     *store.Store
	Extractor *pdf.Extractor
	Embedder  *llm.Client // nil: documents get no vectors
	Model     string      // of the Embedder
	Workers   int         // documents taken in at the same time
	SpoolDir  string      // for the documents' bytes; made if missing
	Metrics   *Metrics
	Log       *slog.Logger
	Timing    Timing
}

// Timing says how patient a Queue is.
type Timing struct {
	Lease time.Duration // how long a dead worker holds up its document; renewed every third of it
	Poll  time.Duration // how often to look for what no change announced: expired leases, ended delays
	Retry time.Duration // delay after the first failed attempt; four times as long after each further one
	Sweep time.Duration // how often to remove what crashes left behind
}

// DefaultTiming is what production uses.
func DefaultTiming() Timing {
	return Timing{Lease: 30 * time.Second, Poll: 15 * time.Second, Retry: 10 * time.Second, Sweep: 10 * time.Minute}
}

// Run works until ctx ends, and then gives unfinished jobs back.
func (q *Queue) Run(ctx context.Context) error {
	if err := os.MkdirAll(q.SpoolDir, 0o700); err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	holder := host + "/" + rand.Text()
	// Compiled once before the workers begin, not by several children at the same time.
	if err := q.Extractor.Warm(ctx); err != nil && ctx.Err() == nil {
		q.Log.Warn("each document will take seconds longer", "error", err)
	}
	wake := make(chan struct{}, q.Workers)
	var running sync.WaitGroup
	for range q.Workers {
		running.Go(func() { q.work(ctx, holder, wake) })
	}
	running.Go(func() { q.watch(ctx, wake) })
	running.Go(func() { q.sweep(ctx) })
	running.Wait()
	return nil
}

// work claims and processes jobs until ctx ends.
func (q *Queue) work(ctx context.Context, holder string, wake chan struct{}) {
	for ctx.Err() == nil {
		lease, err := q.Store.ClaimJob(ctx, holder, q.Timing.Lease)
		if err != nil && ctx.Err() == nil {
			q.Log.Warn("cannot look for work", "error", err)
		}
		if lease == nil {
			select {
			case <-wake:
			case <-ctx.Done():
			}
			continue
		}
		notify(wake) // where one job was due there may be another
		q.process(ctx, lease)
	}
}

// watch wakes workers when jobs come, and now and then without being told.
func (q *Queue) watch(ctx context.Context, wake chan struct{}) {
	poll := time.NewTicker(q.Timing.Poll)
	defer poll.Stop()
	var stream sync.WaitGroup
	defer stream.Wait()
	stream.Go(func() {
		for failures := 0; ctx.Err() == nil; failures++ {
			began := time.Now()
			err := q.Store.WatchQueue(ctx, func() { notify(wake) })
			if time.Since(began) > time.Minute {
				failures = 0
			}
			if ctx.Err() == nil {
				q.Log.Warn("the queue is polled until its changes can be watched again", "error", err)
			}
			pause(ctx, backoff(time.Second, failures))
		}
	})
	for {
		select {
		case <-poll.C:
			notify(wake)
		case <-ctx.Done():
			return
		}
	}
}

func (q *Queue) sweep(ctx context.Context) {
	for ctx.Err() == nil {
		bounded, cancel := context.WithTimeout(ctx, q.Timing.Sweep)
		removed, err := q.Store.Sweep(bounded)
		cancel()
		switch {
		case err != nil && !errors.Is(err, context.Canceled):
			q.Log.Warn("cannot remove what interrupted uploads and deletions left behind", "error", err)
		case removed > 0:
			q.Log.Info("removed what interrupted uploads and deletions left behind", "files", removed)
		}
		pause(ctx, q.Timing.Sweep)
	}
}

// notify wakes one worker if any sleeps.
func notify(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// backoff is a delay that grows fourfold with each failure, up to five minutes.
func backoff(first time.Duration, failures int) time.Duration {
	return time.Duration(min(float64(first)*math.Pow(4, float64(failures)), float64(5*time.Minute)))
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
