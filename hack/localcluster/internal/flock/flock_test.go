package flock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func nobodyWaits(t *testing.T) func() {
	return func() { t.Error("it waited for a lock that nobody holds") }
}

func TestASecondHolderWaitsUntilTheFirstLetsGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "locks", "one")
	first, err := Take(t.Context(), path, time.Minute, nobodyWaits(t))
	if err != nil {
		t.Fatal(err)
	}
	second, err := Take(t.Context(), path, time.Minute, first.Release)
	if err != nil {
		t.Fatalf("the lock was let go and not taken: %v", err)
	}
	second.Release()
}

func TestWaitingForALockEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "one")
	held, err := Take(t.Context(), path, time.Minute, nobodyWaits(t))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	if _, err := Take(t.Context(), path, time.Millisecond, func() {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestARemovedLockIsNotMistakenForTheNextOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "one")
	first, err := Take(t.Context(), path, time.Minute, nobodyWaits(t))
	if err != nil {
		t.Fatal(err)
	}
	second, err := Take(t.Context(), path, time.Minute, first.Remove)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Release()
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the lock is held on a file that is gone: %v", err)
	}
}
