// Package cgroups makes and removes the cgroups of a cluster's pods, on
// version 1, on version 2 and on hosts that mount both.
package cgroups

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Mount is one mounted hierarchy.
type Mount struct {
	Path    string
	Version int
}

// Mounts lists the cgroup hierarchies that this process sees.
func Mounts() ([]Mount, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, fmt.Errorf("listing cgroup hierarchies: %w", err)
	}
	return parse(mounts), nil
}

func parse(mounts []byte) []Mount {
	var found []Mount
	lines := bufio.NewScanner(bytes.NewReader(mounts))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 {
			continue
		}
		switch fields[2] {
		case "cgroup":
			found = append(found, Mount{fields[1], 1})
		case "cgroup2":
			found = append(found, Mount{fields[1], 2})
		}
	}
	return found
}

// Make makes the cgroup in every hierarchy, with all controllers usable below
// it.
func Make(mounts []Mount, cgroup string) error {
	for _, m := range mounts {
		dir := m.Path
		for part := range strings.SplitSeq(strings.Trim(cgroup, "/"), "/") {
			if m.Version == 2 {
				if err := delegate(dir); err != nil {
					return err
				}
			}
			parent := dir
			dir = filepath.Join(dir, part)
			if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("making the cgroup %s: %w", dir, err)
			}
			if err := inheritCPUSet(parent, dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// inheritCPUSet fills in what version 1 leaves empty in a new cgroup: without
// processors and memory nodes it accepts no process.
func inheritCPUSet(parent, dir string) error {
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		own, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil || len(bytes.TrimSpace(own)) > 0 {
			continue
		}
		value, err := os.ReadFile(filepath.Join(parent, file))
		if err != nil || len(bytes.TrimSpace(value)) == 0 {
			continue // version 2 inherits by itself, with empty files all the way up
		}
		if err := os.WriteFile(filepath.Join(dir, file), value, 0); err != nil {
			return fmt.Errorf("setting up the cgroup %s: %w", dir, err)
		}
	}
	return nil
}

// delegate makes version 2's controllers available to the children of dir.
func delegate(dir string) error {
	available, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return fmt.Errorf("reading the controllers of the cgroup %s: %w", dir, err)
	}
	for controller := range strings.FieldsSeq(string(available)) {
		// One at a time: a controller that cannot be delegated (such as misc or
		// rdma on some kernels) must not keep back the others.
		err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+controller), 0)
		if err != nil && slices.Contains([]string{"cpu", "cpuset", "memory", "pids"}, controller) {
			return fmt.Errorf("delegating %s below the cgroup %s (in a container, give it a cgroup namespace of its own or run on the host): %w", controller, dir, err)
		}
	}
	return nil
}

// Remove removes the cgroup and all below it from every hierarchy. The
// processes in it must have been killed; it waits for the kernel to have
// noticed, until ctx is done.
func Remove(ctx context.Context, mounts []Mount, cgroup string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var errs []error
		for _, m := range mounts {
			errs = append(errs, removeTree(filepath.Join(m.Path, cgroup)))
		}
		err := errors.Join(errs...)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("removing the cgroup %s: %w", cgroup, err)
		case <-tick.C:
		}
	}
}

// removeTree removes directories only, the deepest first: the files in them
// are the kernel's.
func removeTree(dir string) error {
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && entry.IsDir() {
			dirs = append(dirs, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, path := range slices.Backward(dirs) {
		if err := unix.Rmdir(path); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}
