package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"chatpdf.dev/operator/app/chatpdf"
)

// Role is what an account may do.
type Role string

// The roles there are.
const (
	RoleAdmin Role = "admin"
	RoleUser  Role = "user"
)

// User is an account.
type User struct {
	ID           chatpdf.UserID `bson:"_id"`
	Username     string         `bson:"username"` // lower case: names differ in more than case
	PasswordHash string         `bson:"passwordHash"`
	Role         Role           `bson:"role"`
	CreatedAt    time.Time      `bson:"createdAt"`
}

// CreateUser adds an account; ErrExists if the name is taken.
func (s *Store) CreateUser(ctx context.Context, username, passwordHash string, role Role) (User, error) {
	u := newUser(username, passwordHash, role)
	_, err := s.users().InsertOne(ctx, u)
	if mongo.IsDuplicateKeyError(err) {
		return User{}, fmt.Errorf("the user %s: %w", u.Username, ErrExists)
	}
	if err != nil {
		return User{}, fmt.Errorf("creating a user: %w", err)
	}
	return u, nil
}

// CreateInitialAdmin adds the first account. It does nothing and says false if there is any account
// or ever was an initial administrator, whoever else is trying at the same time.
func (s *Store) CreateInitialAdmin(ctx context.Context, username, passwordHash string) (created bool, err error) {
	err = s.transact(ctx, func(ctx context.Context) error {
		created = false // this may be another try
		if err := s.users().FindOne(ctx, bson.M{}).Err(); !errors.Is(err, mongo.ErrNoDocuments) {
			return err
		}
		// The marker makes two transactions collide even if they create users of different names.
		marker := bson.M{"_id": "initial-admin", "username": strings.ToLower(username), "createdAt": time.Now()}
		if _, err := s.settings().InsertOne(ctx, marker); err != nil {
			return err
		}
		_, err := s.users().InsertOne(ctx, newUser(username, passwordHash, RoleAdmin))
		created = err == nil
		return err
	})
	if mongo.IsDuplicateKeyError(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("creating the initial administrator: %w", err)
	}
	return created, nil
}

// HasUsers says whether there is any account.
func (s *Store) HasUsers(ctx context.Context) (bool, error) {
	err := s.users().FindOne(ctx, bson.M{}).Err()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for users: %w", err)
	}
	return true, nil
}

// UserByName finds an account by its name in any case.
func (s *Store) UserByName(ctx context.Context, username string) (User, error) {
	return s.findUser(ctx, bson.M{"username": strings.ToLower(username)})
}

func (s *Store) findUser(ctx context.Context, filter bson.M) (User, error) {
	var u User
	err := s.users().FindOne(ctx, filter).Decode(&u)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return User{}, fmt.Errorf("the user: %w", ErrNotFound)
	}
	if err != nil {
		return User{}, fmt.Errorf("looking up a user: %w", err)
	}
	return u, nil
}

func newUser(username, passwordHash string, role Role) User {
	return User{ID: chatpdf.UserID(newID()), Username: strings.ToLower(username), PasswordHash: passwordHash,
		Role: role, CreatedAt: time.Now().UTC().Truncate(time.Millisecond)}
}
