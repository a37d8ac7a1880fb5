// Package mounts arranges a mount namespace: what a node writes below the
// host's own directories must land in the node's directory, and what it mounts
// must never show on the host.
package mounts

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Isolate cuts the namespace off from the one it was copied from and shows the
// processes of its own process namespace in /proc.
func Isolate() error {
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("cutting the mounts off from the host's: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	return nil
}

// Share lets mounts made in the namespace from now on reach the namespaces
// copied from it: kubelet mounts volumes, containers must see them.
func Share() error {
	if err := unix.Mount("", "/", "", unix.MS_SHARED|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("sharing the mounts with containers: %w", err)
	}
	return nil
}

// Cover puts another directory over dir: source, or an empty one in memory if
// source is "". Paths in keep that lie below dir stay visible where they are.
func Cover(dir, source string, keep ...string) error {
	kept := map[string]int{}
	defer func() {
		for _, fd := range kept {
			unix.Close(fd)
		}
	}()
	for _, path := range keep {
		if !Below(path, dir) {
			continue
		}
		fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
		if err != nil {
			return fmt.Errorf("keeping %s: %w", path, err)
		}
		kept[path] = fd
	}
	if err := cover(dir, source); err != nil {
		return fmt.Errorf("covering %s: %w", dir, err)
	}
	for path, fd := range kept {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return fmt.Errorf("keeping %s: %w", path, err)
		}
		if err := unix.MoveMount(fd, "", unix.AT_FDCWD, path, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
			return fmt.Errorf("keeping %s: %w", path, err)
		}
	}
	return nil
}

func cover(dir, source string) error {
	if source == "" {
		return unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755")
	}
	if err := os.MkdirAll(source, 0o755); err != nil {
		return err
	}
	return unix.Mount(source, dir, "", unix.MS_BIND|unix.MS_REC, "")
}

// CoverFile puts another file over a file. A symbolic link is followed; if
// what it leads to does not exist, an empty file is made there first.
func CoverFile(path, source string) error {
	target, err := filepath.EvalSymlinks(path)
	if os.IsNotExist(err) {
		if target, err = os.Readlink(path); err != nil {
			return nil //nolint:nilerr // neither a file nor a link: nothing reads it
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		err = os.MkdirAll(filepath.Dir(target), 0o755)
		if err == nil {
			err = os.WriteFile(target, nil, 0o644)
		}
	}
	if err != nil {
		return fmt.Errorf("covering %s: %w", path, err)
	}
	if err := unix.Mount(source, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("covering %s: %w", path, err)
	}
	return nil
}

// Below reports whether path lies below dir, or is dir. Both are clean and
// absolute.
func Below(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}
