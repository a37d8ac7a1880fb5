package dbagent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"chatpdf.dev/operator/internal/mongodb"
)

const (
	// fenceMarker is the file beside mongod's that keeps it from starting.
	fenceMarker = "fenced"
	// releaseMarker is the file that says when it was last allowed to again.
	releaseMarker = "released"
)

// startPatience is how long a mongod may take to answer after it was released: it may have a journal to replay or an index to
// build. The startup probe of its container, which allows as much, had its answer when the member was fenced.
const startPatience = time.Hour

// releasePeriod is how often a mongod that may not start looks whether it may.
const releasePeriod = time.Second

// Fenced says that the mongod which reads its files there may not start.
func Fenced(run string) bool {
	_, err := os.Stat(filepath.Join(run, fenceMarker))
	return err == nil
}

// JustReleased says that the mongod which reads its files there may still be starting.
func JustReleased(run string) bool {
	marker, err := os.Stat(filepath.Join(run, releaseMarker))
	return err == nil && time.Since(marker.ModTime()) < startPatience
}

// AwaitRelease returns true when mongod may start, and false when ctx ends before that.
func AwaitRelease(ctx context.Context, run string) bool {
	tick := time.NewTicker(releasePeriod)
	defer tick.Stop()
	for Fenced(run) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// nobodyListens says that a connection is refused. One that is not answered may be to a mongod that hangs.
func nobodyListens(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err == nil {
		connection.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// fences says that the pod mounts the operator's record. One of a template before there was any does not, whatever the agent's
// version, and its mongod waits for nobody.
func (f *Files) fences() bool {
	mounted, err := os.Stat(f.directories.Fence)
	return err == nil && mounted.IsDir()
}

// fence takes over what the operator recorded about this member: the record is mounted, and there may be none.
func (f *Files) fence(pod string) error {
	path := filepath.Join(f.directories.Run, fenceMarker)
	record, err := os.ReadFile(filepath.Join(f.directories.Fence, mongodb.KeyFenced))
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("reading which members are fenced: %w", err)
	case slices.Contains(strings.Fields(string(record)), pod):
		return replace(path, []byte("fenced by the operator\n"))
	}
	if !Fenced(f.directories.Run) {
		return nil
	}
	if err := write(filepath.Join(f.directories.Run, releaseMarker), strings.NewReader("by the operator\n"), ownerOnly); err != nil {
		return fmt.Errorf("letting mongod start: %w", err)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("letting mongod start: %w", err)
	}
	return nil
}
