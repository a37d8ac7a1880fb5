package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"chatpdf.dev/operator/app/serve"
)

// file is one file of the page with its compressed copies.
type file struct {
	path     string
	kind     string            // content type
	versions map[string]string // by encoding ("" is none, "br", "gzip"): the entity tag
}

// files serves the page.
type files struct {
	page   fs.FS
	byPath map[string]file
}

var suffixes = map[string]string{"br": ".br", "gzip": ".gz"}

// readFiles looks through the page once, so that nothing about a file is found out per request.
func readFiles(page fs.FS) (*files, error) {
	f := &files{page: page, byPath: map[string]file{}}
	if _, err := fs.Stat(page, "index.html"); err != nil {
		return nil, errors.New("the page is not in this binary: build it with `npm ci && npm run build` in app/web, and then build the binary again")
	}
	err := fs.WalkDir(page, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(name, ".br") || strings.HasSuffix(name, ".gz") || name == ".gitkeep" {
			return err
		}
		one := file{path: name, kind: contentType(name), versions: map[string]string{}}
		if one.versions[""], err = tag(page, name); err != nil {
			return err
		}
		for encoding, suffix := range suffixes {
			if one.versions[encoding], err = tag(page, name+suffix); errors.Is(err, fs.ErrNotExist) {
				delete(one.versions, encoding)
			} else if err != nil {
				return err
			}
		}
		f.byPath["/"+name] = one
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the page: %w", err)
	}
	return f, nil
}

// tag is an entity tag made from a file's content.
func tag(page fs.FS, name string) (string, error) {
	content, err := fs.ReadFile(page, name)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	return `"` + hex.EncodeToString(sum[:12]) + `"`, nil
}

// contentType does not depend on what the machine knows about file names.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".md", ".txt":
		return "text/plain; charset=utf-8"
	case ".map", ".webmanifest":
		return "application/json"
	case ".woff2":
		return "font/woff2"
	case ".ttf":
		return "font/ttf"
	case ".ico":
		return "image/x-icon"
	case ".css", ".html", ".svg", ".png", ".jpg", ".wasm", ".json":
		return mime.TypeByExtension(path.Ext(name))
	default:
		return "application/octet-stream"
	}
}

// ServeHTTP serves a file, or the page itself at every address without a dot.
func (f *files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		serve.WriteProblem(w, http.StatusMethodNotAllowed, "This address takes GET only.")
		return
	}
	name := path.Clean(r.URL.Path)
	one, ok := f.byPath[name]
	if !ok && !strings.Contains(name, ".") && !strings.HasPrefix(name, "/assets") {
		one, ok = f.byPath["/index.html"], true
	}
	if !ok {
		serve.WriteProblem(w, http.StatusNotFound, "There is no such file. If the page was updated, load it again.")
		return
	}
	f.send(w, r, one)
}

func (f *files) send(w http.ResponseWriter, r *http.Request, one file) {
	encoding := choose(r.Header.Get("Accept-Encoding"), one.versions)
	opened, err := f.page.Open(one.path + suffixes[encoding])
	if err != nil {
		serve.WriteProblem(w, http.StatusInternalServerError, "The file cannot be read.")
		return
	}
	defer opened.Close()
	content, ok := opened.(io.ReadSeeker)
	if !ok {
		whole, err := io.ReadAll(opened)
		if err != nil {
			serve.WriteProblem(w, http.StatusInternalServerError, "The file cannot be read.")
			return
		}
		content = bytes.NewReader(whole)
	}
	header := w.Header()
	header.Set("Content-Type", one.kind)
	header.Set("ETag", one.versions[encoding])
	header.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(one.path, "assets/") {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if len(one.versions) > 1 {
		header.Add("Vary", "Accept-Encoding")
	}
	if encoding != "" {
		header.Set("Content-Encoding", encoding)
	}
	http.ServeContent(w, r, "", time.Time{}, content)
}

// choose picks the smallest version that the client takes.
func choose(accepts string, versions map[string]string) string {
	for _, encoding := range []string{"br", "gzip"} {
		if _, there := versions[encoding]; there && takes(accepts, encoding) {
			return encoding
		}
	}
	return ""
}

func takes(accepts, encoding string) bool {
	for entry := range strings.SplitSeq(accepts, ",") {
		name, weight, _ := strings.Cut(entry, ";")
		if strings.TrimSpace(name) == encoding {
			weight = strings.ReplaceAll(weight, " ", "")
			return weight != "q=0" && weight != "q=0.0"
		}
	}
	return false
}
