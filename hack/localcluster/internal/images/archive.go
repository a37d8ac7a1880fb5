package images

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// Archived is an image in an archive.
type Archived struct {
	// Reference is the full name under which a node will know it.
	Reference string
	// ID is the digest of its configuration, by which Kubernetes knows it.
	ID string
}

// maxManifest bounds the list of contents of an archive.
const maxManifest = 1 << 20

// List lists the images in an archive as docker save, podman save and buildah
// write it. An archive in the bare OCI layout, which names no Docker
// references, has an empty list.
func List(file string) ([]Archived, error) {
	content, err := find(file, "manifest.json")
	if err != nil {
		return nil, fmt.Errorf("reading the image archive %s: %w", file, err)
	}
	if content == nil {
		if index, err := find(file, "index.json"); err != nil || index == nil {
			return nil, fmt.Errorf("%s is no image archive: make one with docker save, podman save or buildah push to docker-archive", file)
		}
		return nil, nil
	}
	var entries []struct {
		Config   string
		RepoTags []string
	}
	if err := json.Unmarshal(content, &entries); err != nil {
		return nil, fmt.Errorf("reading the image archive %s: its manifest.json: %w", file, err)
	}
	var found []Archived
	for _, entry := range entries {
		id, err := configDigest(entry.Config)
		if err != nil {
			return nil, fmt.Errorf("reading the image archive %s: %w", file, err)
		}
		for _, tag := range entry.RepoTags {
			reference, err := normalize(tag)
			if err != nil {
				return nil, fmt.Errorf("reading the image archive %s: %w", file, err)
			}
			found = append(found, Archived{reference, id})
		}
	}
	return found, nil
}

// find returns a small file of the archive, or nil if it is not there. What
// lies before it is skipped, not read.
func find(file, wanted string) ([]byte, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	archive := tar.NewReader(in)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if path.Clean(header.Name) != wanted {
			continue
		}
		if header.Size > maxManifest {
			return nil, fmt.Errorf("its %s has %d bytes, more than the %d that make sense", wanted, header.Size, maxManifest)
		}
		return io.ReadAll(archive)
	}
}

var hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// configDigest reads the digest off a configuration's file name, of which
// there are three kinds: HEX.json, sha256:HEX and blobs/sha256/HEX.
func configDigest(file string) (string, error) {
	hex := strings.TrimPrefix(strings.TrimSuffix(path.Base(file), ".json"), "sha256:")
	if !hexDigest.MatchString(hex) {
		return "", fmt.Errorf("its configuration %q is not named by a digest", file)
	}
	return "sha256:" + hex, nil
}

// normalize completes a short name the way containerd does.
func normalize(tag string) (string, error) {
	reference, err := name.ParseReference(tag, name.WeakValidation)
	if err != nil {
		return "", err
	}
	return strings.Replace(reference.Name(), "index.docker.io/", "docker.io/", 1), nil
}
