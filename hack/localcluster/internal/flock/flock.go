// Package flock keeps two processes from doing the same work at once, with a
// lock that the kernel releases when its holder dies.
package flock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const retryEvery = 100 * time.Millisecond

// Lock is a held lock.
type Lock struct{ file *os.File }

// Take locks the file at path, which it makes if necessary. While another
// process holds the lock it calls waiting once and waits, at most timeout.
func Take(ctx context.Context, path string, timeout time.Duration, waiting func()) (*Lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	tick := time.NewTicker(retryEvery)
	defer tick.Stop()
	for attempt := 0; ; attempt++ {
		lock, err := try(path)
		if err == nil {
			return lock, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		if attempt == 0 {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("another process has held %s for %s: wait for it or end it: %w", path, timeout, ctx.Err())
		case <-tick.C:
		}
	}
}

// try locks the file at path if nobody else holds it.
func try(path string) (*Lock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil && !still(file, path) {
		err = unix.EWOULDBLOCK // its last holder removed it: the next attempt makes it anew
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return &Lock{file}, nil
}

// still reports whether file is the one that lies at path.
func still(file *os.File, path string) bool {
	held, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(held, there)
}

// Release gives the lock up and keeps its file.
func (l *Lock) Release() { l.file.Close() }

// Remove gives the lock up and removes its file.
func (l *Lock) Remove() {
	os.Remove(l.file.Name())
	l.file.Close()
}
