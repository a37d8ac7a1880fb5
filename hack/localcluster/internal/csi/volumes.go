package csi

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// volumes are directories below root: in each the content, and beside it the
// size that was promised.
type volumes struct{ root string }

// validID is what the provisioner calls volumes, pvc-UID; nothing else may
// become part of a path.
var validID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,127}$`)

func (v volumes) dir(id string) (string, error) {
	if !validID.MatchString(id) {
		return "", status.Errorf(codes.InvalidArgument, "%q is no name of a volume", id)
	}
	return filepath.Join(v.root, id), nil
}

// content is the directory that pods see. Like the root of a fresh file system
// it belongs to root with mode 0755.
func (v volumes) content(id string) (string, error) {
	dir, err := v.dir(id)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "content")
	if _, err := os.Stat(path); err != nil {
		return "", status.Errorf(codes.NotFound, "there is no volume %s", id)
	}
	return path, nil
}

// create makes a volume of a size in bytes, or finds it.
func (v volumes) create(id string, size int64) error {
	dir, err := v.dir(id)
	if err != nil {
		return err
	}
	switch have, err := v.size(id); {
	case err == nil && have != size:
		return status.Errorf(codes.AlreadyExists, "volume %s has %d bytes, not %d", id, have, size)
	case err == nil:
		return nil
	case status.Code(err) != codes.NotFound:
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "content"), 0o755); err != nil {
		return fmt.Errorf("making volume %s: %w", id, err)
	}
	return v.resize(id, size)
}

func (v volumes) remove(id string) error {
	dir, err := v.dir(id)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing volume %s: %w", id, err)
	}
	return nil
}

func (v volumes) size(id string) (int64, error) {
	dir, err := v.dir(id)
	if err != nil {
		return 0, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "size"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, status.Errorf(codes.NotFound, "there is no volume %s", id)
	}
	if err != nil {
		return 0, fmt.Errorf("reading the size of volume %s: %w", id, err)
	}
	size, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading the size of volume %s: %w", id, err)
	}
	return size, nil
}

func (v volumes) resize(id string, size int64) error {
	dir, err := v.dir(id)
	if err != nil {
		return err
	}
	partial := filepath.Join(dir, ".size")
	if err := os.WriteFile(partial, []byte(strconv.FormatInt(size, 10)+"\n"), 0o644); err != nil {
		return fmt.Errorf("recording the size of volume %s: %w", id, err)
	}
	if err := os.Rename(partial, filepath.Join(dir, "size")); err != nil {
		return fmt.Errorf("recording the size of volume %s: %w", id, err)
	}
	return nil
}
