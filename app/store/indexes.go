package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// indexes is the whole schema: what is unique, what expires, what is looked up.
func indexes() map[string][]mongo.IndexModel {
	unique := func(keys ...string) mongo.IndexModel {
		return mongo.IndexModel{Keys: ascending(keys), Options: options.Index().SetUnique(true)}
	}
	plain := func(keys ...string) mongo.IndexModel { return mongo.IndexModel{Keys: ascending(keys)} }
	expiring := func(key string) mongo.IndexModel {
		return mongo.IndexModel{Keys: ascending([]string{key}), Options: options.Index().SetExpireAfterSeconds(0)}
	}
	return map[string][]mongo.IndexModel{
		"users":    {unique("username")},
		"sessions": {expiring("expiresAt"), plain("user")},
		"windows":  {expiring("expiresAt")},
		"settings": nil,
		"documents": {
			unique("owner", "sha256"),
			unique("job.id"),
			{Keys: bson.D{{Key: "owner", Value: 1}, {Key: "createdAt", Value: -1}, {Key: "_id", Value: -1}}},
			plain("state", "createdAt"),
		},
		"pages":     {unique("document", "attempt", "number")},
		"passages":  {unique("document", "attempt", "ordinal")},
		"orphans":   {plain("removeAt")},
		"fs.files":  nil,
		"fs.chunks": {unique("files_id", "n")},
	}
}

func ascending(keys []string) bson.D {
	var d bson.D
	for _, key := range keys {
		d = append(d, bson.E{Key: key, Value: 1})
	}
	return d
}

// EnsureIndexes creates the collections and indexes that are missing. Any number of processes may do so at once.
func (s *Store) EnsureIndexes(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for name, models := range indexes() {
		c := s.collection(name)
		// Transactions on MongoDB 4.4 fail if the collection comes into being at the same time.
		const namespaceExists = 48
		err := c.Database().CreateCollection(ctx, name)
		if refusal, ok := errors.AsType[mongo.CommandError](err); err != nil && (!ok || !refusal.HasErrorCode(namespaceExists)) {
			return fmt.Errorf("creating the collection %s: %w", name, err)
		}
		if len(models) == 0 {
			continue
		}
		if _, err := c.Indexes().CreateMany(ctx, models); err != nil {
			return fmt.Errorf("creating the indexes of %s: %w", name, err)
		}
	}
	return nil
}
