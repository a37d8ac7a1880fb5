package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/llm"
	"chatpdf.dev/operator/app/pdf"
	"chatpdf.dev/operator/app/retrieve"
	"chatpdf.dev/operator/app/store"
)

const (
	// Pages go to the database in batches of this many pages or this many bytes of text, whichever is
	// reached first, so that a transaction stays small and progress visible.
	batchPages = 32
	batchBytes = 512 << 10
	// embedBatch passages are embedded between two writes.
	embedBatch = 128
)

// takeIn stores the text of the leased document and, with an Embedder, its vectors.
func (q *Queue) takeIn(ctx context.Context, lease *store.Lease) (*store.Embedding, error) {
	file, err := q.spool(ctx, lease)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	t := &text{queue: q, ctx: ctx, lease: lease}
	report, err := q.Extractor.Extract(ctx, fmt.Sprintf("/dev/fd/%d", file.Fd()), pdf.Handler{Pages: t.begin, Page: t.add})
	if err == nil {
		err = t.flush()
	}
	if err != nil {
		q.Log.Debug("the child process ended with an error", "document", lease.Document.ID, "stderr", report.Stderr)
		return nil, err
	}
	if t.passages == 0 {
		return nil, &chatpdf.Failure{Code: chatpdf.FailureNoText,
			Message: "This document has no text that can be read, only pictures of it. Run it through a text recognition (OCR) program and upload the result."}
	}
	if q.Embedder == nil {
		return nil, nil
	}
	return q.embed(ctx, lease, t.passages)
}

// spool copies the document's bytes into a file without a name.
func (q *Queue) spool(ctx context.Context, lease *store.Lease) (*os.File, error) {
	from, _, err := q.Store.OpenFile(ctx, lease.Document.Owner, lease.Document.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, store.ErrLeaseLost // the document was deleted
	}
	if err != nil {
		return nil, err
	}
	defer from.Close()
	to, err := os.CreateTemp(q.SpoolDir, "document-*")
	if err != nil {
		return nil, fmt.Errorf("spooling the document: %w", err)
	}
	if err := os.Remove(to.Name()); err != nil {
		to.Close()
		return nil, fmt.Errorf("spooling the document: %w", err)
	}
	if _, err := io.Copy(to, from); err != nil {
		to.Close()
		return nil, fmt.Errorf("spooling the document: %w", err)
	}
	if _, err := to.Seek(0, io.SeekStart); err != nil {
		to.Close()
		return nil, fmt.Errorf("spooling the document: %w", err)
	}
	return to, nil
}

// text collects pages as the child hands them over and stores them in batches.
type text struct {
	queue    *Queue
	ctx      context.Context
	lease    *store.Lease
	pages    []chatpdf.Page
	waiting  []chatpdf.Passage // of pages
	bytes    int               // of the text of pages
	stored   int               // pages stored
	passages int               // cut so far, stored or waiting
}

func (t *text) begin(total int) error {
	return t.queue.Store.BeginText(t.ctx, t.lease, total)
}

func (t *text) add(page chatpdf.Page) error {
	passages := retrieve.Passages(t.lease.Document.ID, page, t.passages)
	t.passages += len(passages)
	t.pages, t.waiting = append(t.pages, page), append(t.waiting, passages...)
	t.bytes += len(page.Text)
	if len(t.pages) < batchPages && t.bytes < batchBytes {
		return nil
	}
	return t.flush()
}

func (t *text) flush() error {
	if len(t.pages) == 0 {
		return nil
	}
	t.stored += len(t.pages)
	done := t.stored
	if t.queue.Embedder != nil {
		done = 0 // a page is done when its passages are embedded
	}
	if err := t.queue.Store.AddText(t.ctx, t.lease, t.pages, t.waiting, done); err != nil {
		return err
	}
	t.queue.Metrics.pages.Add(float64(len(t.pages)))
	t.pages, t.waiting, t.bytes = nil, nil, 0
	return nil
}

// embed gives each of the stored passages its vector.
func (q *Queue) embed(ctx context.Context, lease *store.Lease, total int) (*store.Embedding, error) {
	embedding := &store.Embedding{Model: q.Model}
	for from := 0; from < total; from += embedBatch {
		passages, err := q.Store.LeasedPassages(ctx, lease, from, embedBatch)
		if err != nil {
			return nil, err
		}
		if len(passages) == 0 {
			return nil, store.ErrLeaseLost // deleted, or replaced by a later attempt
		}
		texts := make([]string, len(passages))
		for i, p := range passages {
			texts[i] = p.Text
		}
		vectors, err := q.Embedder.Embed(ctx, texts)
		var refusal *llm.Error
		if errors.As(err, &refusal) && !refusal.Temporary {
			return nil, embeddingFailure(refusal)
		}
		if err != nil {
			return nil, err
		}
		for i := range passages {
			passages[i].Vector = vectors[i]
		}
		embedding.Dims = len(vectors[0])
		if err := q.Store.AddVectors(ctx, lease, passages, passages[len(passages)-1].Page); err != nil {
			return nil, err
		}
	}
	return embedding, nil
}
