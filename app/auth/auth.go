// Package auth says who is asking: passwords, sessions and the brake on guessing.
//
// What holds here:
//
//   - Passwords are hashed with argon2id, a few at a time, so that a storm of logins costs neither
//     the memory nor the processor that everything else needs.
//   - A session is 256 random bits that only the browser has; the database knows their hash.
//   - Failed logins are counted before the password is looked at, for the account and for the
//     client, over all replicas; how long an answer takes does not tell whether an account exists.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"chatpdf.dev/operator/app/store"
)

const (
	// idle is how long a session lasts without a request, absolute how long it lasts at most.
	idle     = 12 * time.Hour
	absolute = 30 * 24 * time.Hour
	// extendAfter spares a write per request: a session's end moves only when it has come this much closer.
	extendAfter = 10 * time.Minute
	tokenBytes  = 32
)

// ErrNotSignedIn says that a token belongs to no session.
var ErrNotSignedIn = errors.New("not signed in")

// ErrWrongPassword says that there is no account with this name and password.
var ErrWrongPassword = errors.New("user name or password is wrong")

// Service signs users in and out.
type Service struct {
	store  *store.Store
	hasher *hasher
	now    func() time.Time
}

// New makes a Service.
func New(s *store.Store) *Service {
	return &Service{store: s, hasher: newHasher(), now: time.Now}
}

// SignIn checks a password and starts a session, whose token it returns. client names who is
// asking, such as an address. The error is ErrWrongPassword, a *ThrottledError or a failure.
func (s *Service) SignIn(ctx context.Context, client, username, password string) (token string, err error) {
	failures := s.failures(client, username)
	if err := failures.count(ctx); err != nil {
		return "", err
	}
	user, err := s.store.UserByName(ctx, username)
	known := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	ok, err := s.hasher.verify(ctx, user.PasswordHash, password)
	if err != nil {
		return "", err
	}
	if !known || !ok {
		return "", ErrWrongPassword
	}
	if err := failures.forget(ctx); err != nil {
		return "", err
	}
	raw := make([]byte, tokenBytes)
	rand.Read(raw)
	now := s.now()
	err = s.store.CreateSession(ctx, store.Session{TokenHash: hashToken(raw), User: user.ID, CreatedAt: now, ExpiresAt: now.Add(idle)})
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// Identify finds whose session a token is, and lets the session last. The error is ErrNotSignedIn or a failure.
func (s *Service) Identify(ctx context.Context, token string) (store.User, error) {
	raw, ok := decodeToken(token)
	if !ok {
		return store.User{}, ErrNotSignedIn
	}
	now := s.now()
	session, user, err := s.store.Session(ctx, hashToken(raw), now)
	if errors.Is(err, store.ErrNotFound) {
		return store.User{}, ErrNotSignedIn
	}
	if err != nil {
		return store.User{}, err
	}
	until := now.Add(idle)
	if last := session.CreatedAt.Add(absolute); until.After(last) {
		until = last
	}
	if until.Sub(session.ExpiresAt) > extendAfter {
		if err := s.store.ExtendSession(ctx, session.TokenHash, until); err != nil {
			return store.User{}, err
		}
	}
	return user, nil
}

// SignOut ends a session; a token that belongs to none is fine.
func (s *Service) SignOut(ctx context.Context, token string) error {
	raw, ok := decodeToken(token)
	if !ok {
		return nil
	}
	return s.store.DeleteSession(ctx, hashToken(raw))
}

// CreateUser makes an account; store.ErrExists if the name is taken.
func (s *Service) CreateUser(ctx context.Context, username, password string, role store.Role) (store.User, error) {
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return store.User{}, fmt.Errorf("hashing a password: %w", err)
	}
	return s.store.CreateUser(ctx, username, hash, role)
}

// EnsureInitialAdmin makes the first account, unless there is one or has been one.
func (s *Service) EnsureInitialAdmin(ctx context.Context, username, password string) (created bool, err error) {
	if has, err := s.store.HasUsers(ctx); has || err != nil {
		return false, err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return false, fmt.Errorf("hashing a password: %w", err)
	}
	return s.store.CreateInitialAdmin(ctx, username, hash)
}

// decodeToken refuses what cannot be a token without asking the database.
func decodeToken(token string) ([]byte, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	return raw, err == nil && len(raw) == tokenBytes
}

func hashToken(raw []byte) []byte {
	sum := sha256.Sum256(raw)
	return sum[:]
}
