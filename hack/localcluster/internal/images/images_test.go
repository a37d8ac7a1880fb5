package images

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func example() Image {
	return Image{
		Reference: "docker.io/library/mongo:6.0.5",
		Files: []File{
			{Path: "/usr/bin/tool", Content: "program", Mode: 0o755},
			{Path: "/data/db", Mode: fs.ModeDir | 0o750, UID: 999, GID: 999},
			{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		},
		Config: v1.Config{User: "999:999", Cmd: []string{"tool"}},
	}
}

func write(t *testing.T, images ...Image) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "archive.tar")
	if err := WriteArchive(t.Context(), file, images...); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestImageHoldsItsFilesWithOwnersAndModes(t *testing.T) {
	image, err := tarball.ImageFromPath(write(t, example()), nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil || config.Config.User != "999:999" || config.OS != "linux" {
		t.Errorf("its configuration is %+v (%v)", config, err)
	}
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("it has %d layers (%v)", len(layers), err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	var got []string
	archive := tar.NewReader(content)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, header.Name+" "+header.FileInfo().Mode().String())
		if header.Name == "data/db/" && (header.Uid != 999 || header.Gid != 999) {
			t.Errorf("/data/db belongs to %d:%d", header.Uid, header.Gid)
		}
	}
	want := []string{"data/ drwxr-xr-x", "data/db/ drwxr-x---", "tmp/ dtrwxrwxrwx", "usr/ drwxr-xr-x", "usr/bin/ drwxr-xr-x", "usr/bin/tool -rwxr-xr-x"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	other := example()
	other.Reference = "localhost/other:1"
	first, err := os.ReadFile(write(t, example(), other))
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(write(t, example(), other))
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("two archives of the same images differ (%v)", err)
	}
}

func TestArchiveTellsReferencesAndIDs(t *testing.T) {
	file := write(t, example())
	image, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	id, err := image.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	got, err := List(file)
	want := []Archived{{Reference: "docker.io/library/mongo:6.0.5", ID: id.String()}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v (%v), want %v", got, err, want)
	}
}

func TestConfigurationsAreFoundUnderEveryToolsName(t *testing.T) {
	hex := strings.Repeat("0a", 32)
	for _, name := range []string{hex + ".json", "sha256:" + hex, "blobs/sha256/" + hex} {
		if got, err := configDigest(name); err != nil || got != "sha256:"+hex {
			t.Errorf("%s: %s (%v)", name, got, err)
		}
	}
	if got, err := configDigest("config.json"); err == nil {
		t.Errorf("config.json has the digest %s", got)
	}
}

func TestShortNamesAreCompletedLikeContainerdDoes(t *testing.T) {
	for short, full := range map[string]string{
		"mongo:6":                       "docker.io/library/mongo:6",
		"chatpdf/app:1":                 "docker.io/chatpdf/app:1",
		"localhost/pause:1":             "localhost/pause:1",
		"registry.example.com:5000/a:b": "registry.example.com:5000/a:b",
	} {
		if got, err := normalize(short); err != nil || got != full {
			t.Errorf("%s becomes %s (%v), not %s", short, got, err, full)
		}
	}
}

func TestWhatIsNoImageArchiveIsRefusedWithAdvice(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.tar")
	if err := os.WriteFile(empty, make([]byte, 1024), 0o644); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(dir, "text.tar")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a tar ", 200)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, text, filepath.Join(dir, "none.tar")} {
		if got, err := List(file); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v (%v)", file, got, err)
		}
	}
}

func TestWriteArchiveRefusesAReferenceWithoutRegistry(t *testing.T) {
	image := example()
	image.Reference = "mongo"
	if err := WriteArchive(t.Context(), filepath.Join(t.TempDir(), "a.tar"), image); err == nil {
		t.Error("an image without registry and tag was written: nodes would not find it")
	}
}
