package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"chatpdf.dev/operator/app/answer"
	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/retrieve"
	"chatpdf.dev/operator/app/store"
)

const (
	// maxSearched bounds the documents that one question searches; beyond it the newest are searched.
	maxSearched = 1000
	// maxSources is how many passages an answer is made from: of about 900 characters each, they fit
	// small models and leave room for the answer.
	maxSources = 12
	// indexBuilders is how many indexes one question builds at the same time.
	indexBuilders = 4
	indexTimeout  = time.Minute
)

// findSources finds the passages of the owner's documents that fit the question best.
func (s *server) findSources(ctx context.Context, q chatpdf.Question) ([]answer.Source, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	documents, err := s.searchable(ctx, q)
	if err != nil {
		return nil, err
	}
	indexes := make([]*retrieve.Index, len(documents))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(indexBuilders)
	for i, d := range documents {
		group.Go(func() (err error) {
			indexes[i], err = s.index(groupCtx, d)
			return err
		})
	}
	vector := s.embedQuestion(ctx, q, documents)
	if err := group.Wait(); err != nil {
		return nil, err
	}
	hits := retrieve.Search(indexes, retrieve.Query{Text: q.Text, Vector: vector, Limit: maxSources})
	return s.readSources(ctx, documents, hits)
}

// searchable lists the documents that the question is about. Those it names must be there and ready.
func (s *server) searchable(ctx context.Context, q chatpdf.Question) ([]store.Searchable, error) {
	documents, err := s.Store.SearchableDocuments(ctx, q.Owner, q.Documents, maxSearched)
	if err != nil {
		return nil, err
	}
	for _, id := range q.Documents {
		if slices.ContainsFunc(documents, func(d store.Searchable) bool { return d.ID == id }) {
			continue
		}
		d, err := s.Store.Document(ctx, q.Owner, id)
		switch {
		case err != nil:
			return nil, err
		case d.State == chatpdf.DocumentFailed:
			return nil, problem(http.StatusConflict, "The document "+d.Name+" could not be read, so it cannot answer questions.")
		case d.State != chatpdf.DocumentReady:
			return nil, problem(http.StatusConflict, "The document "+d.Name+" is still being read: ask again when it is ready.")
		}
	}
	return documents, nil
}

// index returns the index of a document, built from the database if it is not in the cache. Vectors
// of another model than the one that embeds questions are left out: they cannot be compared.
func (s *server) index(ctx context.Context, d store.Searchable) (*retrieve.Index, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.Indexes.Get(d.ID, func() (*retrieve.Index, error) {
		// Others may wait for this index too, so it does not end with the question that happened to come first.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), indexTimeout)
		defer cancel()
		builder := retrieve.NewBuilder(d.ID)
		for passage, err := range s.Store.Passages(ctx, d) {
			if err != nil {
				return nil, err
			}
			if !s.comparable(d) {
				passage.Vector = nil
			}
			builder.Add(passage)
		}
		return builder.Index(), nil
	})
}

func (s *server) comparable(d store.Searchable) bool {
	return s.Model != nil && d.Embedding != nil && d.Embedding.Model == s.EmbeddingModel
}

// embedQuestion returns nil, for a search by words alone, if there is no model, nothing to compare
// with, or no answer from the model server.
func (s *server) embedQuestion(ctx context.Context, q chatpdf.Question, documents []store.Searchable) []float32 {
	if !slices.ContainsFunc(documents, s.comparable) {
		return nil
	}
	vectors, err := s.Model.Embed(ctx, []string{q.Text})
	if err != nil {
		s.log(ctx, slog.LevelWarn, "the question is searched by its words alone: it could not be embedded", err)
		return nil
	}
	return vectors[0]
}

// readSources reads the passages that were hit, best first. Those of documents deleted meanwhile are left out.
func (s *server) readSources(ctx context.Context, documents []store.Searchable, hits []retrieve.Hit) ([]answer.Source, error) {
	sources := make([]answer.Source, 0, len(hits))
	type place struct {
		document chatpdf.DocumentID
		ordinal  int
	}
	found := map[place]chatpdf.Passage{}
	names := map[chatpdf.DocumentID]string{}
	for _, d := range documents {
		var ordinals []int
		for _, h := range hits {
			if h.Document == d.ID {
				ordinals = append(ordinals, h.Ordinal)
			}
		}
		if len(ordinals) == 0 {
			continue
		}
		passages, err := s.Store.PassagesAt(ctx, d, ordinals)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		for _, p := range passages {
			found[place{d.ID, p.Ordinal}] = p
		}
		names[d.ID] = d.Name
	}
	for _, h := range hits {
		if p, ok := found[place{h.Document, h.Ordinal}]; ok {
			sources = append(sources, answer.Source{Passage: p, DocumentName: names[h.Document]})
		}
	}
	return sources, nil
}
