// Package images makes container images out of files of this machine, without
// a registry and without a daemon, and reads what images an archive holds.
//
// Layers are left uncompressed: they never travel, and unpacking them is what
// a node's start would wait for.
package images

import (
	"archive/tar"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// File is a file or, with a Mode that says so, a directory of an image.
type File struct {
	// Path is where it lies in the image: absolute.
	Path string
	// Source is the file of this machine to copy; Content is used without one.
	Source  string
	Content string
	Mode    fs.FileMode
	UID     int
	GID     int
}

// Image is an image to make: one layer.
type Image struct {
	// Reference is the full name, with registry and tag.
	Reference string
	Files     []File
	Config    v1.Config
}

// WriteArchive writes the images into one archive at file, which appears
// complete or not at all. The same input gives the same bytes, so a node can
// tell that it has an image already.
func WriteArchive(ctx context.Context, file string, images ...Image) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("writing the images: %w", err)
	}
	work, err := os.MkdirTemp(filepath.Dir(file), ".images-*")
	if err != nil {
		return fmt.Errorf("writing the images: %w", err)
	}
	defer os.RemoveAll(work)
	built := map[name.Tag]v1.Image{}
	for i, image := range images {
		if err := ctx.Err(); err != nil {
			return err
		}
		tag, err := name.NewTag(image.Reference, name.StrictValidation)
		if err != nil {
			return fmt.Errorf("writing the images: %w", err)
		}
		if built[tag], err = build(image, filepath.Join(work, fmt.Sprintf("%d.tar", i))); err != nil {
			return fmt.Errorf("making the image %s: %w", image.Reference, err)
		}
	}
	archive := filepath.Join(work, "archive.tar")
	if err := tarball.MultiWriteToFile(archive, built); err != nil {
		return fmt.Errorf("writing the images: %w", err)
	}
	if err := errors.Join(os.Chmod(archive, 0o644), os.Rename(archive, file)); err != nil {
		return fmt.Errorf("putting the images into place: %w", err)
	}
	return nil
}

func build(image Image, layerFile string) (v1.Image, error) {
	content, err := writeLayer(layerFile, image.Files)
	if err != nil {
		return nil, err
	}
	config := &v1.ConfigFile{
		Architecture: runtime.GOARCH,
		OS:           "linux",
		Config:       image.Config,
		RootFS:       v1.RootFS{Type: "layers"},
	}
	base, err := mutate.ConfigFile(empty.Image, config)
	if err != nil {
		return nil, err
	}
	return mutate.AppendLayers(base, content)
}

// writeLayer writes a tar of the files and of the directories above them.
func writeLayer(file string, files []File) (*layer, error) {
	out, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	hash := sha256.New()
	counted := &counter{Writer: io.MultiWriter(out, hash)}
	archive := tar.NewWriter(counted)
	for _, f := range withParents(files) {
		if err := writeEntry(archive, f); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(archive.Close(), out.Close()); err != nil {
		return nil, err
	}
	digest := v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(hash.Sum(nil))}
	return &layer{file: file, digest: digest, size: counted.written}, nil
}

// withParents adds the directories that the files lie in, and sorts.
func withParents(files []File) []File {
	all := slices.Clone(files)
	known := map[string]bool{"/": true}
	for _, f := range files {
		known[f.Path] = true
	}
	for _, f := range files {
		for dir := path.Dir(f.Path); !known[dir]; dir = path.Dir(dir) {
			known[dir] = true
			all = append(all, File{Path: dir, Mode: fs.ModeDir | 0o755})
		}
	}
	slices.SortFunc(all, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return all
}

func writeEntry(archive *tar.Writer, f File) error {
	header := &tar.Header{
		Typeflag: tar.TypeReg,
		Name:     strings.TrimPrefix(f.Path, "/"),
		Mode:     int64(f.Mode.Perm()),
		Uid:      f.UID,
		Gid:      f.GID,
		ModTime:  time.Unix(0, 0),
		Size:     int64(len(f.Content)),
	}
	if f.Mode&fs.ModeSticky != 0 {
		header.Mode |= 0o1000
	}
	if f.Mode.IsDir() {
		header.Typeflag, header.Name, header.Size = tar.TypeDir, header.Name+"/", 0
		return archive.WriteHeader(header)
	}
	if f.Source == "" {
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		_, err := io.WriteString(archive, f.Content)
		return err
	}
	source, err := os.Open(f.Source)
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	header.Size = info.Size()
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(archive, source)
	return err
}

type counter struct {
	io.Writer
	written int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.written += int64(n)
	return n, err
}

// layer is an uncompressed layer in a file. The library's own layers would
// compress it.
type layer struct {
	file   string
	digest v1.Hash
	size   int64
}

func (l *layer) Digest() (v1.Hash, error)             { return l.digest, nil }
func (l *layer) DiffID() (v1.Hash, error)             { return l.digest, nil }
func (l *layer) Size() (int64, error)                 { return l.size, nil }
func (l *layer) MediaType() (types.MediaType, error)  { return types.DockerUncompressedLayer, nil }
func (l *layer) Compressed() (io.ReadCloser, error)   { return os.Open(l.file) }
func (l *layer) Uncompressed() (io.ReadCloser, error) { return os.Open(l.file) }
