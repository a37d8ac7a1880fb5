package rig

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestAnImageArchiveGetsAnotherNameAndKeepsItsLayers(t *testing.T) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, f := range []struct{ name, content string }{
		{"layer.tar", "localhost/a:1 in a layer"},
		{"manifest.json", `[{"RepoTags":["localhost/a:1"],"Layers":["layer.tar"]}]`},
		{"repositories", `{"localhost/a":{"1":"x"}}`},
	} {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var renamed bytes.Buffer
	if err := retag(bytes.NewReader(archive.Bytes()), &renamed, "localhost/a:1", "localhost/a:second"); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for r := tar.NewReader(&renamed); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got[header.Name] = string(content)
	}
	if len(got) != 2 || got["layer.tar"] != "localhost/a:1 in a layer" || got["manifest.json"] != `[{"RepoTags":["localhost/a:second"],"Layers":["layer.tar"]}]` {
		t.Errorf("the archive holds %q", got)
	}
	if err := retag(bytes.NewReader(archive.Bytes()), io.Discard, "localhost/b:1", "localhost/b:2"); err == nil {
		t.Error("an image that is not there got another name")
	}
}
