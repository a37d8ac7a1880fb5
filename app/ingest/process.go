package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/llm"
	"chatpdf.dev/operator/app/store"
)

// settleTimeout bounds the last word on a job, which must be said even when the process is ending.
const settleTimeout = 5 * time.Second

// process takes one document in and says in the queue how that ended.
func (q *Queue) process(ctx context.Context, lease *store.Lease) {
	log := q.Log.With("document", lease.Document.ID, "attempt", lease.Attempt)
	log.Info("taking in a document", "bytes", lease.Document.Size)
	began := time.Now()
	embedding, err := q.attempt(ctx, lease)
	settleCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	result, settleErr := q.settle(settleCtx, ctx.Err() != nil, lease, embedding, err)
	q.Metrics.documents.WithLabelValues(result).Inc()
	log = log.With("result", result, "seconds", time.Since(began).Seconds())
	switch {
	case settleErr != nil:
		log.Warn("how a document ended could not be recorded; it will be started again", "error", errors.Join(err, settleErr))
	case err != nil:
		log.Warn("a document was not taken in", "error", err)
	default:
		log.Info("took in a document")
	}
}

// settle records how an attempt ended and names it for logs and metrics.
func (q *Queue) settle(ctx context.Context, stopping bool, lease *store.Lease, embedding *store.Embedding, err error) (string, error) {
	var failure *chatpdf.Failure
	switch {
	case err == nil:
		return "ready", q.Store.FinishJob(ctx, lease, embedding)
	case errors.Is(err, store.ErrLeaseLost):
		return "lease-lost", nil
	case stopping:
		return "given-back", q.Store.ReleaseJob(ctx, lease, 0, false)
	case errors.As(err, &failure):
		return "failed", q.Store.FailJob(ctx, lease, failure)
	case lease.Failed+1 >= maxFailed:
		return "failed", q.Store.FailJob(ctx, lease, lastFailure(err))
	default:
		return "retried", q.Store.ReleaseJob(ctx, lease, backoff(q.Timing.Retry, lease.Failed), true)
	}
}

// lastFailure is what the owner is told after the last attempt.
func lastFailure(err error) *chatpdf.Failure {
	if refusal, ok := errors.AsType[*llm.Error](err); ok {
		return embeddingFailure(refusal)
	}
	return workerCrashing()
}

func workerCrashing() *chatpdf.Failure {
	return &chatpdf.Failure{Code: chatpdf.FailureWorkerCrashing,
		Message: fmt.Sprintf("Reading this document was tried %d times and broke off each time. Delete it, and upload a copy that was saved anew by another program.", maxFailed)}
}

func embeddingFailure(refusal *llm.Error) *chatpdf.Failure {
	return &chatpdf.Failure{Code: chatpdf.FailureEmbedding,
		Message: "The model server would not embed the text of this document (" + refusal.Message + "). Delete it, and upload it again when the server works."}
}

// attempt takes a document in while it keeps the lease alive.
func (q *Queue) attempt(ctx context.Context, lease *store.Lease) (*store.Embedding, error) {
	if lease.Failed >= maxFailed {
		return nil, workerCrashing()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	beating := make(chan struct{})
	go func() {
		defer close(beating)
		q.keepLease(ctx, lease, cancel)
	}()
	embedding, err := q.takeIn(ctx, lease)
	lost := errors.Is(context.Cause(ctx), store.ErrLeaseLost)
	cancel(nil)
	<-beating
	if lost {
		return nil, store.ErrLeaseLost
	}
	return embedding, err
}

// keepLease renews the lease until ctx ends. If that fails for as long as the lease lasts, or if the
// database says that it is gone, it cancels the work.
func (q *Queue) keepLease(ctx context.Context, lease *store.Lease, cancel context.CancelCauseFunc) {
	beat := time.NewTicker(q.Timing.Lease / 3)
	defer beat.Stop()
	renewed := time.Now()
	for {
		select {
		case <-beat.C:
		case <-ctx.Done():
			return
		}
		asked := time.Now()
		bounded, stop := context.WithTimeout(ctx, q.Timing.Lease/3)
		err := q.Store.RenewLease(bounded, lease, q.Timing.Lease)
		stop()
		switch {
		case err == nil:
			renewed = asked
		case errors.Is(err, store.ErrLeaseLost), time.Since(renewed) > q.Timing.Lease:
			cancel(fmt.Errorf("%w (%w)", store.ErrLeaseLost, err))
			return
		}
	}
}
