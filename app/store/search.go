package store

import (
	"context"
	"fmt"
	"iter"
	"maps"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"chatpdf.dev/operator/app/chatpdf"
)

// readBatch is how many rows the database sends at once; a row has some kilobytes.
const readBatch = 256

// Searchable is a document that is ready, with what is needed to read its text.
type Searchable struct {
	ID        chatpdf.DocumentID
	Owner     chatpdf.UserID
	Name      string
	Embedding *Embedding // nil: no vectors
	attempt   int
}

// SearchableDocuments finds an owner's documents that are ready: of those in ids, or of all if ids
// is empty, newest first and at most limit.
func (s *Store) SearchableDocuments(ctx context.Context, owner chatpdf.UserID, ids []chatpdf.DocumentID, limit int) ([]Searchable, error) {
	filter := bson.M{"owner": owner, "state": chatpdf.DocumentReady}
	if len(ids) > 0 {
		filter["_id"] = bson.M{"$in": ids}
	}
	order := bson.D{{Key: "createdAt", Value: -1}, {Key: "_id", Value: -1}}
	cursor, err := s.documents().Find(ctx, filter, options.Find().SetSort(order).SetLimit(int64(limit)))
	if err != nil {
		return nil, fmt.Errorf("looking for documents to search: %w", err)
	}
	var found []document
	if err := cursor.All(ctx, &found); err != nil {
		return nil, fmt.Errorf("looking for documents to search: %w", err)
	}
	searchable := make([]Searchable, len(found))
	for i, d := range found {
		searchable[i] = Searchable{ID: d.ID, Owner: d.Owner, Name: d.Name, Embedding: d.Embedding, attempt: d.Job.Attempt}
	}
	return searchable, nil
}

// LeasedPassages reads count passages that this attempt has stored, from an ordinal on, whole.
func (s *Store) LeasedPassages(ctx context.Context, l *Lease, from, count int) ([]chatpdf.Passage, error) {
	return s.passagesWhere(ctx, bson.M{"document": l.Document.ID, "owner": l.Document.Owner, "attempt": l.Attempt},
		bson.M{"$gte": from, "$lt": from + count})
}

// PassagesAt reads the passages of a document that have these ordinals, whole, in order of the document.
func (s *Store) PassagesAt(ctx context.Context, d Searchable, ordinals []int) ([]chatpdf.Passage, error) {
	return s.passagesWhere(ctx, bson.M{"document": d.ID, "owner": d.Owner, "attempt": d.attempt}, bson.M{"$in": ordinals})
}

func (s *Store) passagesWhere(ctx context.Context, filter, ordinals bson.M) ([]chatpdf.Passage, error) {
	var rows []passage
	if err := all(ctx, s.passages(), with(filter, "ordinal", ordinals), bson.M{"ordinal": 1}, &rows); err != nil {
		return nil, err
	}
	numbers := make([]int, len(rows))
	for i, row := range rows {
		numbers[i] = row.Page
	}
	var pageRows []page
	if err := all(ctx, s.pages(), with(filter, "number", bson.M{"$in": numbers}), bson.M{"number": 1}, &pageRows); err != nil {
		return nil, err
	}
	pages := map[int]chatpdf.Page{}
	for _, row := range pageRows {
		pages[row.Number] = row.domain()
	}
	passages := make([]chatpdf.Passage, len(rows))
	for i, row := range rows {
		var err error
		if passages[i], err = row.cut(pages[row.Page]); err != nil {
			return nil, err
		}
	}
	return passages, nil
}

// Passages yields all passages of a document in order, with text and vectors but without sentences.
// It reads passages and their pages side by side, and never holds more than a batch of each.
func (s *Store) Passages(ctx context.Context, d Searchable) iter.Seq2[chatpdf.Passage, error] {
	return func(yield func(chatpdf.Passage, error) bool) {
		err := s.eachPassage(ctx, d, func(p chatpdf.Passage) bool { return yield(p, nil) })
		if err != nil {
			yield(chatpdf.Passage{}, fmt.Errorf("reading passages: %w", err))
		}
	}
}

func (s *Store) eachPassage(ctx context.Context, d Searchable, yield func(chatpdf.Passage) bool) error {
	filter := bson.M{"document": d.ID, "owner": d.Owner, "attempt": d.attempt}
	passages, err := s.passages().Find(ctx, filter, options.Find().SetSort(bson.M{"ordinal": 1}).SetBatchSize(readBatch))
	if err != nil {
		return err
	}
	defer passages.Close(context.WithoutCancel(ctx))
	pages, err := s.pages().Find(ctx, filter, options.Find().SetSort(bson.M{"number": 1}).SetBatchSize(readBatch).
		SetProjection(bson.M{"sentences": 0}))
	if err != nil {
		return err
	}
	defer pages.Close(context.WithoutCancel(ctx))
	var at page
	for passages.Next(ctx) {
		var row passage
		if err := passages.Decode(&row); err != nil {
			return err
		}
		for at.Number < row.Page && pages.Next(ctx) {
			at = page{}
			if err := pages.Decode(&at); err != nil {
				return err
			}
		}
		if err := pages.Err(); err != nil {
			return err
		}
		p, err := row.cut(at.domain())
		if err != nil {
			return err
		}
		if !yield(p) {
			return nil
		}
	}
	return passages.Err()
}

// cut takes a passage out of its page.
func (row passage) cut(p chatpdf.Page) (chatpdf.Passage, error) {
	if p.Number != row.Page || row.Start < 0 || row.End > len(p.Text) || row.Start > row.End {
		return chatpdf.Passage{}, fmt.Errorf("passage %d of document %s does not lie on its page %d: %w",
			row.Ordinal, row.Document, row.Page, ErrNotFound)
	}
	passage := chatpdf.Passage{Document: row.Document, Page: row.Page, Ordinal: row.Ordinal,
		Start: row.Start, End: row.End, Text: p.Text[row.Start:row.End]}
	for _, s := range p.Sentences {
		if s.Start >= row.Start && s.End <= row.End {
			passage.Sentences = append(passage.Sentences, s)
		}
	}
	if row.Vector != nil {
		passage.Vector, _ = row.Vector.Float32OK()
	}
	return passage, nil
}

func all[T any](ctx context.Context, c *mongo.Collection, filter, order bson.M, into *[]T) error {
	cursor, err := c.Find(ctx, filter, options.Find().SetSort(order))
	if err == nil {
		err = cursor.All(ctx, into)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", c.Name(), err)
	}
	return nil
}

func with(filter bson.M, key string, value any) bson.M {
	joined := maps.Clone(filter)
	joined[key] = value
	return joined
}
