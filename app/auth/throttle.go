package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"chatpdf.dev/operator/app/store"
)

// How many failed logins a quarter of an hour allows. An account has room for a few more than a
// person mistypes; a client may be a whole office behind one address.
const (
	throttleWindow   = 15 * time.Minute
	failuresAccount  = 10
	failuresOfClient = 50
)

// ThrottledError says that there were too many failed logins.
type ThrottledError struct {
	RetryAfter time.Duration
}

// Error says when to try again.
func (e *ThrottledError) Error() string {
	return fmt.Sprintf("too many failed logins: try again in %s", e.RetryAfter.Round(time.Second))
}

// failures counts failed logins of one account and one client in the present window.
type failures struct {
	store           *store.Store
	account, client string
	now, until      time.Time
}

func (s *Service) failures(client, username string) failures {
	now := s.now()
	window := now.Truncate(throttleWindow)
	key := func(kind, name string) string {
		return fmt.Sprintf("login:%s:%s:%d", kind, blur(name), window.Unix())
	}
	return failures{store: s.store, now: now, until: window.Add(throttleWindow),
		account: key("account", strings.ToLower(username)), client: key("client", client)}
}

// count notes one more failure before it has happened, so that guesses made at the same time can't all
// slip through.
func (f failures) count(ctx context.Context) error {
	for key, limit := range map[string]int{f.account: failuresAccount, f.client: failuresOfClient} {
		n, err := f.store.AddToWindow(ctx, key, 1, f.until)
		if err != nil {
			return err
		}
		if n > limit {
			return &ThrottledError{RetryAfter: f.until.Sub(f.now)}
		}
	}
	return nil
}

// forget takes back what count noted, because the login succeeded. A client's other failures stay:
// else a guesser would get a fresh start by signing in to an account of their own.
func (f failures) forget(ctx context.Context) error {
	if err := f.store.DropWindow(ctx, f.account); err != nil {
		return err
	}
	_, err := f.store.AddToWindow(ctx, f.client, -1, f.until)
	return err
}

// blur keeps names that people typed, perhaps a password by mistake, out of the database.
func blur(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}
