package mongod

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"chatpdf.dev/operator/hack/localcluster/internal/command"
	"chatpdf.dev/operator/hack/localcluster/internal/console"
	"chatpdf.dev/operator/hack/localcluster/internal/flock"
	"chatpdf.dev/operator/hack/localcluster/internal/packages"
)

// The source of OpenSSL 1.1.1w, in a Rust crate that carries it.
const (
	openSSLCrate  = "openssl-src-111.28.2+1.1.1w"
	openSSLDigest = "bb1830e20a48a975ca898ca8c1d036a36c3c6c5cb7dabc1c216706587857920f"
)

// manifest makes cargo fetch the crate. What the crate depends on is of no
// use here and is held at a version that every cargo can read.
const manifest = `[package]
name = "fetch"
version = "0.0.0"
edition = "2021"

[lib]
path = "lib.rs"

[dependencies]
openssl-src = "=111.28.2"
cc = "=1.0.83"
`

// openSSL returns a directory with libssl.so.1.1 and libcrypto.so.1.1, which
// it builds if it is not there.
func (s Store) openSSL(ctx context.Context) (string, error) {
	dir := filepath.Join(s.Cache, "mongod", "openssl-1.1.1w-"+openSSLDigest[:12])
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	lock, err := flock.Take(ctx, filepath.Join(s.Cache, "locks", "openssl"), lockTimeout, func() {
		s.Console.Say("another process is building OpenSSL 1.1: waiting for it")
	})
	if err != nil {
		return "", err
	}
	defer lock.Release()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	err = packages.Install(ctx, s.Console, []packages.Need{
		{Files: []string{"cargo"}, Package: "cargo"},
		{Files: []string{"perl"}, Package: "perl"},
		{Files: []string{"make"}, Package: "make"},
		{Files: []string{"gcc"}, Package: "gcc"},
		{Files: []string{"/usr/include/stdio.h"}, Package: "libc6-dev"},
	})
	if err != nil {
		return "", err
	}
	return dir, s.Console.Step("OpenSSL 1.1.1w", func(step *console.Step) error { return buildOpenSSL(ctx, dir, step) })
}

func buildOpenSSL(ctx context.Context, dir string, step *console.Step) error {
	work := dir + ".partial"
	if err := errors.Join(os.RemoveAll(work), os.MkdirAll(filepath.Join(work, "out"), 0o755)); err != nil {
		return fmt.Errorf("making room for OpenSSL: %w", err)
	}
	defer os.RemoveAll(work)
	step.Report("downloading")
	crate, err := fetchCrate(ctx, work)
	if err != nil {
		return err
	}
	if err := untar(crate, work); err != nil {
		return err
	}
	source := filepath.Join(work, openSSLCrate, "openssl")
	for _, argv := range [][]string{
		{"perl", "./Configure", "linux-x86_64", "shared", "no-tests"},
		{"make", fmt.Sprintf("-j%d", runtime.NumCPU()), "build_libs"},
	} {
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.Dir = source
		lines := 0
		err := command.Run(cmd, func(string) bool {
			lines++
			step.Report("%s, %d lines of output", argv[0], lines)
			return false
		})
		if err != nil {
			return fmt.Errorf("building OpenSSL 1.1: %w", err)
		}
	}
	step.Report("")
	for _, library := range []string{"libssl.so.1.1", "libcrypto.so.1.1"} {
		if err := os.Rename(filepath.Join(source, library), filepath.Join(work, "out", library)); err != nil {
			return fmt.Errorf("building OpenSSL 1.1: %w", err)
		}
	}
	if err := os.Rename(filepath.Join(work, "out"), dir); err != nil {
		return fmt.Errorf("putting OpenSSL 1.1 into place: %w", err)
	}
	return nil
}

// fetchCrate lets cargo download the crate and returns the checked file.
func fetchCrate(ctx context.Context, work string) (string, error) {
	err := errors.Join(
		os.WriteFile(filepath.Join(work, "Cargo.toml"), []byte(manifest), 0o644),
		os.WriteFile(filepath.Join(work, "lib.rs"), nil, 0o644),
	)
	if err != nil {
		return "", fmt.Errorf("writing a manifest for cargo: %w", err)
	}
	cargo := exec.CommandContext(ctx, "cargo", "fetch", "--quiet")
	cargo.Dir = work
	if output, err := cargo.CombinedOutput(); err != nil {
		return "", fmt.Errorf("downloading OpenSSL 1.1 with cargo: %w\n%s", err, strings.TrimSpace(string(output)))
	}
	home := os.Getenv("CARGO_HOME")
	if home == "" {
		home = filepath.Join(os.Getenv("HOME"), ".cargo")
	}
	pattern := filepath.Join(home, "registry", "cache", "*", openSSLCrate+".crate")
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("cargo fetched the source of OpenSSL 1.1 and it is not at %s: set CARGO_HOME to where cargo keeps its files", pattern)
	}
	return found[0], verify(found[0], openSSLDigest)
}

// untar unpacks a compressed archive below dir. Its digest is known, so what
// it holds is too; names that lead out of dir are refused all the same.
func untar(file, dir string) error {
	in, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("unpacking: %w", err)
	}
	defer in.Close()
	uncompressed, err := gzip.NewReader(in)
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", filepath.Base(file), err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("unpacking: %w", err)
	}
	defer root.Close()
	archive := tar.NewReader(uncompressed)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && header.Typeflag == tar.TypeReg {
			err = writeFile(root, header, archive)
		}
		if err != nil {
			return fmt.Errorf("unpacking %s: %w", filepath.Base(file), err)
		}
	}
}

func writeFile(root *os.Root, header *tar.Header, content io.Reader) error {
	if err := root.MkdirAll(filepath.Dir(header.Name), 0o755); err != nil {
		return err
	}
	out, err := root.OpenFile(header.Name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, header.FileInfo().Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	return errors.Join(err, out.Close())
}

// launcher puts the libraries of openSSL into lib, and a script at program
// that runs lib/mongod with them. It replaces itself by mongod, so that
// signals and the process id are mongod's.
func launcher(program, openSSL, lib string) error {
	const script = `#!/bin/sh
lib=$(CDPATH= cd -- "$(dirname -- "$(readlink -f -- "$0")")/../lib" && pwd)
LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$lib/mongod" "$@"
`
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		return fmt.Errorf("writing mongod's launcher: %w", err)
	}
	if err := os.CopyFS(lib, os.DirFS(openSSL)); err != nil {
		return fmt.Errorf("copying OpenSSL 1.1: %w", err)
	}
	return nil
}
