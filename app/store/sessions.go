package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"chatpdf.dev/operator/app/chatpdf"
)

// Session ties a browser to an account. Of its token only the hash is stored.
type Session struct {
	TokenHash []byte         `bson:"_id"`
	User      chatpdf.UserID `bson:"user"`
	CreatedAt time.Time      `bson:"createdAt"`
	ExpiresAt time.Time      `bson:"expiresAt"` // when MongoDB drops it
}

// CreateSession stores a new session.
func (s *Store) CreateSession(ctx context.Context, session Session) error {
	if _, err := s.sessions().InsertOne(ctx, session); err != nil {
		return fmt.Errorf("creating a session: %w", err)
	}
	return nil
}

// Session finds a session that has not expired at now, and whose account it is.
func (s *Store) Session(ctx context.Context, tokenHash []byte, now time.Time) (Session, User, error) {
	var session Session
	err := s.sessions().FindOne(ctx, bson.M{"_id": tokenHash, "expiresAt": bson.M{"$gt": now}}).Decode(&session)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return Session{}, User{}, fmt.Errorf("the session: %w", ErrNotFound)
	}
	if err != nil {
		return Session{}, User{}, fmt.Errorf("looking up a session: %w", err)
	}
	user, err := s.findUser(ctx, bson.M{"_id": session.User})
	return session, user, err
}

// ExtendSession moves the end of a session; one that is gone stays gone.
func (s *Store) ExtendSession(ctx context.Context, tokenHash []byte, until time.Time) error {
	_, err := s.sessions().UpdateByID(ctx, tokenHash, bson.M{"$set": bson.M{"expiresAt": until}})
	if err != nil {
		return fmt.Errorf("extending a session: %w", err)
	}
	return nil
}

// DeleteSession ends a session; ending it twice is fine.
func (s *Store) DeleteSession(ctx context.Context, tokenHash []byte) error {
	if _, err := s.sessions().DeleteOne(ctx, bson.M{"_id": tokenHash}); err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}

// CountSessions says how many sessions have not expired at now.
func (s *Store) CountSessions(ctx context.Context, now time.Time) (int64, error) {
	n, err := s.sessions().CountDocuments(ctx, bson.M{"expiresAt": bson.M{"$gt": now}})
	if err != nil {
		return 0, fmt.Errorf("counting sessions: %w", err)
	}
	return n, nil
}
