package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chatpdf.dev/operator/app/store"
	"chatpdf.dev/operator/app/store/storetest"
)

const password = "correct-horse-battery"

// clock is a time that tests move.
type clock struct{ now time.Time }

func newService(t *testing.T) (*Service, *clock) {
	t.Helper()
	s := New(storetest.New(t, replicaSet))
	c := &clock{now: time.Now()}
	s.now = func() time.Time { return c.now }
	if _, err := s.CreateUser(t.Context(), "Alice", password, store.RoleUser); err != nil {
		t.Fatal(err)
	}
	return s, c
}

func TestOnlyTheRightPasswordSignsIn(t *testing.T) {
	s, _ := newService(t)
	for name, test := range map[string]struct {
		username, password string
		want               error
	}{
		"right":             {"alice", password, nil},
		"name in any case":  {"ALICE", password, nil},
		"wrong password":    {"alice", password + " ", ErrWrongPassword},
		"empty password":    {"alice", "", ErrWrongPassword},
		"no such user":      {"bob", password, ErrWrongPassword},
		"user of no name":   {"", "", ErrWrongPassword},
		"hash for password": {"alice", "$argon2id$", ErrWrongPassword},
	} {
		t.Run(name, func(t *testing.T) {
			token, err := s.SignIn(t.Context(), name, test.username, test.password)
			if !errors.Is(err, test.want) || (err == nil) != (token != "") {
				t.Fatalf("%q, %v", token, err)
			}
		})
	}
}

func TestASessionEndsAfterTwelveIdleHoursAndThirtyDays(t *testing.T) {
	s, c := newService(t)
	begin := c.now
	token, err := s.SignIn(t.Context(), "here", "alice", password)
	if err != nil {
		t.Fatal(err)
	}
	for c.now.Sub(begin) < absolute-idle {
		c.now = c.now.Add(idle - time.Minute)
		if _, err := s.Identify(t.Context(), token); err != nil {
			t.Fatalf("after %s: %v", c.now.Sub(begin), err)
		}
	}
	c.now = begin.Add(absolute + time.Second)
	if _, err := s.Identify(t.Context(), token); !errors.Is(err, ErrNotSignedIn) {
		t.Fatalf("after thirty days: %v", err)
	}
	c.now = begin
	if token, err = s.SignIn(t.Context(), "here", "alice", password); err != nil {
		t.Fatal(err)
	}
	c.now = begin.Add(idle + time.Second)
	if _, err := s.Identify(t.Context(), token); !errors.Is(err, ErrNotSignedIn) {
		t.Fatalf("after twelve idle hours: %v", err)
	}
}

func TestMadeUpTokensBelongToNobody(t *testing.T) {
	s, _ := newService(t)
	for _, token := range []string{"", "x", strings.Repeat("A", 43), strings.Repeat("A", 4000), "!!!"} {
		if _, err := s.Identify(t.Context(), token); !errors.Is(err, ErrNotSignedIn) {
			t.Errorf("%q: %v", token, err)
		}
	}
}

func TestGuessesMadeAtTheSameTimeDoNotSlipThrough(t *testing.T) {
	s, c := newService(t)
	var checked, throttled atomic.Int32
	var guesses sync.WaitGroup
	for i := range 30 {
		guesses.Go(func() {
			_, err := s.SignIn(t.Context(), fmt.Sprint("client ", i), "alice", "wrong")
			var brake *ThrottledError
			switch {
			case errors.As(err, &brake):
				throttled.Add(1)
			case errors.Is(err, ErrWrongPassword):
				checked.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	guesses.Wait()
	if checked.Load() != failuresAccount || throttled.Load() != 30-failuresAccount {
		t.Errorf("%d passwords were checked, %d refused", checked.Load(), throttled.Load())
	}
	c.now = c.now.Add(throttleWindow)
	if _, err := s.SignIn(t.Context(), "owner", "alice", password); err != nil {
		t.Errorf("a quarter of an hour later: %v", err)
	}
}

func TestOneClientMayNotTryManyAccounts(t *testing.T) {
	s, _ := newService(t)
	var brake *ThrottledError
	for i := range failuresOfClient {
		if err := s.failures("client", fmt.Sprint("user ", i)).count(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.SignIn(t.Context(), "client", "alice", password); !errors.As(err, &brake) || brake.RetryAfter <= 0 {
		t.Fatalf("%v", err)
	}
	if _, err := s.SignIn(t.Context(), "another client", "alice", password); err != nil {
		t.Fatal(err)
	}
}

func TestOfManyReplicasOneCreatesTheFirstAccount(t *testing.T) {
	db := storetest.New(t, replicaSet)
	var created atomic.Int32
	var replicas sync.WaitGroup
	for i := range 4 {
		replicas.Go(func() {
			ok, err := New(db).EnsureInitialAdmin(t.Context(), fmt.Sprint("admin", i), password)
			if err != nil {
				t.Error(err)
			}
			if ok {
				created.Add(1)
			}
		})
	}
	replicas.Wait()
	if created.Load() != 1 {
		t.Fatalf("%d first accounts", created.Load())
	}
	if ok, err := New(db).EnsureInitialAdmin(t.Context(), "again", password); ok || err != nil {
		t.Fatalf("%v, %v", ok, err)
	}
}

func TestHashingWaitsItsTurnNoLongerThanItsContext(t *testing.T) {
	h := newHasher()
	for range hashers {
		h.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.hash(ctx, password); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
}

func TestAStoredHashThatAsksForTooMuchIsRefused(t *testing.T) {
	h := newHasher()
	for _, hash := range []string{"x", "$argon2id$v=19$m=99999999,t=2,p=1$AAAA$AAAA", "$argon2i$v=19$m=19456,t=2,p=1$AAAA$AAAA",
		strings.Replace(h.dummy, "t=2", "t=0", 1), strings.Replace(h.dummy, "p=1", "p=0", 1)} {
		if ok, err := h.verify(t.Context(), hash, password); ok || err == nil {
			t.Errorf("%s: %v, %v", hash, ok, err)
		}
	}
}
