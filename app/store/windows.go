package store

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// AddToWindow adds n to the counter key, which all replicas share, and returns its new value. The
// key must name its time window; the counter is dropped some time after expires.
func (s *Store) AddToWindow(ctx context.Context, key string, n int, expires time.Time) (int, error) {
	var window struct {
		Count int `bson:"count"`
	}
	add := func() error {
		return s.windows().FindOneAndUpdate(ctx, bson.M{"_id": key},
			bson.M{"$inc": bson.M{"count": n}, "$setOnInsert": bson.M{"expiresAt": expires}},
			options.FindOneAndUpdate().SetUpsert(true).SetReturnDocument(options.After)).Decode(&window)
	}
	err := add()
	if mongo.IsDuplicateKeyError(err) { // somebody else inserted it meanwhile: now it is there
		err = add()
	}
	if err != nil {
		return 0, fmt.Errorf("counting: %w", err)
	}
	return window.Count, nil
}

// DropWindow forgets a counter.
func (s *Store) DropWindow(ctx context.Context, key string) error {
	if _, err := s.windows().DeleteOne(ctx, bson.M{"_id": key}); err != nil {
		return fmt.Errorf("forgetting a counter: %w", err)
	}
	return nil
}
