package store

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"chatpdf.dev/operator/app/chatpdf"
)

// page is a chatpdf.Page as stored. Its text is stored once, here: passages point into it.
type page struct {
	Document  chatpdf.DocumentID `bson:"document"`
	Owner     chatpdf.UserID     `bson:"owner"`
	Attempt   int                `bson:"attempt"`
	Number    int                `bson:"number"`
	Width     float32            `bson:"width"`
	Height    float32            `bson:"height"`
	Text      string             `bson:"text"`
	Sentences []sentence         `bson:"sentences"`
}

type sentence struct {
	Start int         `bson:"start"`
	End   int         `bson:"end"`
	Rects bson.Vector `bson:"rects"` // four numbers a rectangle: x0, y0, x1, y1
}

type passage struct {
	Document chatpdf.DocumentID `bson:"document"`
	Owner    chatpdf.UserID     `bson:"owner"`
	Attempt  int                `bson:"attempt"`
	Ordinal  int                `bson:"ordinal"`
	Page     int                `bson:"page"`
	Start    int                `bson:"start"`
	End      int                `bson:"end"`
	Vector   *bson.Vector       `bson:"vector,omitempty"`
}

// BeginText prepares a document for the text of this attempt: it removes what earlier attempts left
// and records how many pages there are.
func (s *Store) BeginText(ctx context.Context, l *Lease, pages int) error {
	if err := s.underLease(ctx, l, bson.M{"pages": pages}); err != nil {
		return err
	}
	return s.removeText(ctx, bson.M{"document": l.Document.ID, "attempt": bson.M{"$lt": l.Attempt}})
}

func (s *Store) removeText(ctx context.Context, filter bson.M) error {
	for _, c := range []*mongo.Collection{s.passages(), s.pages()} {
		if _, err := c.DeleteMany(ctx, filter); err != nil {
			return fmt.Errorf("removing the text of a document: %w", err)
		}
	}
	return nil
}

// AddText stores pages and the passages cut from them, all or, if the lease was lost, none.
// pagesDone is how many pages of the document are done with them. The lease is checked last: a worker
// that dies in the transaction would otherwise keep its job locked, and with it every claim, until the
// database gives the transaction up.
func (s *Store) AddText(ctx context.Context, l *Lease, pages []chatpdf.Page, passages []chatpdf.Passage, pagesDone int) error {
	var pageRows, passageRows []any
	for _, p := range pages {
		pageRows = append(pageRows, pageRow(l, p))
	}
	for _, p := range passages {
		passageRows = append(passageRows, passage{Document: l.Document.ID, Owner: l.Document.Owner, Attempt: l.Attempt,
			Ordinal: p.Ordinal, Page: p.Page, Start: p.Start, End: p.End})
	}
	err := s.transact(ctx, func(ctx context.Context) error {
		if _, err := s.pages().InsertMany(ctx, pageRows); err != nil {
			return err
		}
		if len(passageRows) > 0 {
			if _, err := s.passages().InsertMany(ctx, passageRows); err != nil {
				return err
			}
		}
		return s.underLease(ctx, l, bson.M{"pagesDone": pagesDone})
	})
	if err != nil {
		return fmt.Errorf("storing the text of pages: %w", err)
	}
	return nil
}

// AddVectors stores the vectors of passages that AddText stored in this attempt; like AddText, all or none.
func (s *Store) AddVectors(ctx context.Context, l *Lease, passages []chatpdf.Passage, pagesDone int) error {
	updates := make([]mongo.WriteModel, len(passages))
	for i, p := range passages {
		updates[i] = mongo.NewUpdateOneModel().
			SetFilter(bson.M{"document": l.Document.ID, "attempt": l.Attempt, "ordinal": p.Ordinal}).
			SetUpdate(bson.M{"$set": bson.M{"vector": bson.NewVector(p.Vector)}})
	}
	err := s.transact(ctx, func(ctx context.Context) error {
		if _, err := s.passages().BulkWrite(ctx, updates); err != nil {
			return err
		}
		return s.underLease(ctx, l, bson.M{"pagesDone": pagesDone})
	})
	if err != nil {
		return fmt.Errorf("storing the vectors of passages: %w", err)
	}
	return nil
}

func pageRow(l *Lease, p chatpdf.Page) page {
	row := page{Document: l.Document.ID, Owner: l.Document.Owner, Attempt: l.Attempt, Number: p.Number,
		Width: p.Width, Height: p.Height, Text: p.Text, Sentences: make([]sentence, len(p.Sentences))}
	for i, from := range p.Sentences {
		rects := make([]float32, 0, 4*len(from.Rects))
		for _, r := range from.Rects {
			rects = append(rects, r.X0, r.Y0, r.X1, r.Y1)
		}
		row.Sentences[i] = sentence{Start: from.Start, End: from.End, Rects: bson.NewVector(rects)}
	}
	return row
}

func (p page) domain() chatpdf.Page {
	to := chatpdf.Page{Number: p.Number, Width: p.Width, Height: p.Height, Text: p.Text}
	for _, from := range p.Sentences {
		numbers, _ := from.Rects.Float32OK()
		s := chatpdf.Sentence{Start: from.Start, End: from.End}
		for ; len(numbers) >= 4; numbers = numbers[4:] {
			s.Rects = append(s.Rects, chatpdf.Rect{X0: numbers[0], Y0: numbers[1], X1: numbers[2], Y1: numbers[3]})
		}
		to.Sentences = append(to.Sentences, s)
	}
	return to
}
