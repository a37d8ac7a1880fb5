//go:build images

package images

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

// archive is what the tests read of one image tarball (docker-archive).
type archive struct {
	tags   []string
	config struct {
		User       string            `json:"User"`
		Env        []string          `json:"Env"`
		Entrypoint []string          `json:"Entrypoint"`
		Labels     map[string]string `json:"Labels"`
	}
	// files holds what a container would see, by absolute path.
	files map[string]file
}

// file is an entry of an image's file system; content is kept for regular files only.
type file struct {
	mode    fs.FileMode
	content []byte
}

// readArchive reads a whole image into memory; ours have tens of megabytes.
func readArchive(name string) (*archive, error) {
	entries, err := readEntries(name)
	if err != nil {
		return nil, fmt.Errorf("reading the image %s: %w", name, err)
	}
	var manifest []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := json.Unmarshal(entries["manifest.json"], &manifest); err != nil {
		return nil, fmt.Errorf("reading the manifest of %s: %w", name, err)
	}
	if len(manifest) != 1 {
		return nil, fmt.Errorf("%s holds %d images, not one", name, len(manifest))
	}
	image := &archive{tags: manifest[0].RepoTags, files: map[string]file{}}
	settings := struct{ Config any }{&image.config}
	if err := json.Unmarshal(entries[manifest[0].Config], &settings); err != nil {
		return nil, fmt.Errorf("reading the configuration of %s: %w", name, err)
	}
	for _, layer := range manifest[0].Layers {
		if err := image.add(entries[layer]); err != nil {
			return nil, fmt.Errorf("reading layer %s of %s: %w", layer, name, err)
		}
	}
	return image, nil
}

// readEntries reads the regular files of a tarball and resolves the links between them.
func readEntries(name string) (map[string][]byte, error) {
	opened, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	entries, links := map[string][]byte{}, map[string]string{}
	for reader := tar.NewReader(opened); ; {
		header, err := reader.Next()
		switch {
		case errors.Is(err, io.EOF):
			for from, to := range links {
				entries[from] = entries[to]
			}
			return entries, nil
		case err != nil:
			return nil, err
		case header.Typeflag == tar.TypeSymlink:
			links[header.Name] = path.Join(path.Dir(header.Name), header.Linkname)
		case header.Typeflag == tar.TypeReg:
			if entries[header.Name], err = io.ReadAll(reader); err != nil {
				return nil, err
			}
		}
	}
}

// add lays a layer, compressed or not, over the files of the image.
func (a *archive) add(layer []byte) error {
	buffered := bufio.NewReader(bytes.NewReader(layer))
	var plain io.Reader = buffered
	if magic, _ := buffered.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return err
		}
		plain = unzipped
	}
	for reader := tar.NewReader(plain); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		entry := file{mode: header.FileInfo().Mode()}
		if header.Typeflag == tar.TypeReg {
			if entry.content, err = io.ReadAll(reader); err != nil {
				return err
			}
		}
		a.files[path.Join("/", header.Name)] = entry
	}
}
