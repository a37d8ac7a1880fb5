package store

import "go.mongodb.org/mongo-driver/v2/mongo"

// Collection lets tests look at what is stored.
func Collection(s *Store, name string) *mongo.Collection { return s.collection(name) }
