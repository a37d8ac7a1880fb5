package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"chatpdf.dev/operator/app/chatpdf"
)

// sweepBatch bounds what one Sweep takes on.
const sweepBatch = 1000

// DeleteDocument makes a document and its job disappear at once, and then removes its file, pages
// and passages. What it cannot remove now, Sweep removes later; that is no error.
func (s *Store) DeleteDocument(ctx context.Context, owner chatpdf.UserID, id chatpdf.DocumentID) error {
	var left orphan
	err := s.transact(ctx, func(ctx context.Context) error {
		var d document
		err := s.documents().FindOneAndDelete(ctx, bson.M{"_id": id, "owner": owner}).Decode(&d)
		if errors.Is(err, mongo.ErrNoDocuments) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		left = orphan{File: d.File, Document: d.ID, RemoveAt: time.Now(), Removing: true}
		_, err = s.orphans().InsertOne(ctx, left)
		return err
	})
	if err != nil {
		return fmt.Errorf("deleting the document: %w", err)
	}
	if err := s.removeOrphan(ctx, left); err != nil {
		s.options.Log.Warn("a deleted document's file will be removed later", "document", id, "error", err)
	}
	return nil
}

// Sweep finishes what crashed or interrupted uploads and deletions left behind, and says how much that was.
func (s *Store) Sweep(ctx context.Context) (removed int, err error) {
	cursor, err := s.orphans().Find(ctx, bson.M{"removeAt": bson.M{"$lte": time.Now()}}, options.Find().SetLimit(sweepBatch))
	if err != nil {
		return 0, fmt.Errorf("looking for what was left behind: %w", err)
	}
	var left []orphan
	if err := cursor.All(ctx, &left); err != nil {
		return 0, fmt.Errorf("looking for what was left behind: %w", err)
	}
	for _, o := range left {
		if err := s.removeOrphan(ctx, o); err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}

// removeOrphan removes a file and, if it was a document's, the document's pages and passages. The
// record goes last, so that a crash leaves it for Sweep; one that is gone says that the file has
// become a document or was removed.
func (s *Store) removeOrphan(ctx context.Context, o orphan) error {
	mark, err := s.orphans().UpdateByID(ctx, o.File, bson.M{"$set": bson.M{"removing": true, "removeAt": time.Now()}})
	if err != nil {
		return fmt.Errorf("removing a file: %w", err)
	}
	if mark.MatchedCount == 0 {
		return nil
	}
	if o.Document != "" {
		if err := s.removeText(ctx, bson.M{"document": o.Document}); err != nil {
			return err
		}
	}
	if _, err := s.chunks().DeleteMany(ctx, bson.M{"files_id": o.File}); err != nil {
		return fmt.Errorf("removing a file: %w", err)
	}
	if _, err := s.files().DeleteOne(ctx, bson.M{"_id": o.File}); err != nil {
		return fmt.Errorf("removing a file: %w", err)
	}
	if _, err := s.orphans().DeleteOne(ctx, bson.M{"_id": o.File}); err != nil {
		return fmt.Errorf("removing a file: %w", err)
	}
	return nil
}
