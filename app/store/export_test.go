package store

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/mongo"
)

// Collection lets tests look at what is stored.
func Collection(s *Store, name string) *mongo.Collection { return s.collection(name) }

// Transact lets tests take part in a transaction.
func Transact(ctx context.Context, s *Store, do func(context.Context) error) error {
	return s.transact(ctx, do)
}
