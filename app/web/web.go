// Package web is the frontend role: it serves the page, which is built into the binary, and passes
// requests to the API on to the backend.
//
// What holds here:
//
//   - Every response carries the security headers; the page runs no code but its own.
//   - Files under assets/ have their hash or version in their path and may be cached for ever. The
//     page itself is asked for anew each time, and costs nothing if it has not changed.
//   - An unknown file is a 404, never the page in disguise. Addresses without a dot are the page's own.
//   - Streams and uploads pass through as they come; nothing is buffered whole.
package web

import (
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatpdf.dev/operator/app/serve"
)

//go:embed all:dist
var dist embed.FS

// Built is the page that was built into this binary; it may be missing.
func Built() fs.FS {
	page, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the name is a constant
	}
	return page
}

// Options are what the frontend works with.
type Options struct {
	Page        fs.FS // Built()
	Backend     *url.URL
	MaxFileSize int64         // bytes
	Timeout     time.Duration // until the backend begins to answer; of silence in streams
	Registry    *prometheus.Registry
	Log         *slog.Logger
	Health      *Health
}

// New returns the handler of the frontend's main port. An error means that the binary holds no page.
func New(o Options) (http.Handler, error) {
	files, err := readFiles(o.Page)
	if err != nil {
		return nil, err
	}
	proxy := newProxy(o)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", o.Health.live)
	mux.HandleFunc("GET /readyz", o.Health.ready)
	mux.Handle("/api/", proxy)
	mux.Handle("/health", proxy)
	mux.Handle("/", files)
	observer := &serve.Observer{Log: o.Log, Address: serve.PeerAddress, Route: route, Quiet: quiet}
	observer.Register(o.Registry)
	return secure(observer.Handler(bound(mux, o.Timeout))), nil
}

// route names the part of the frontend that answers; the backend counts the routes of the API.
func route(r *http.Request) string {
	part := "/"
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/api/"):
		part = "/api/"
	case strings.HasPrefix(path, "/assets/"):
		part = "/assets/"
	case path == "/health" || path == "/livez" || path == "/readyz":
		part = path
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete, http.MethodOptions:
		return fmt.Sprint(r.Method, " ", part)
	default:
		return "other " + part
	}
}

func quiet(path string) bool { return path == "/livez" || path == "/readyz" || path == "/health" }

// bound gives every read of a request and every write of an answer its own deadline.
func bound(next http.Handler, silence time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		control.SetWriteDeadline(time.Time{}) //nolint:errcheck // recorders in tests have none
		r.Body = &serve.PatientBody{ReadCloser: r.Body, Control: control, Silence: silence}
		next.ServeHTTP(&serve.PatientWriter{ResponseWriter: w, Control: control, Silence: silence}, r)
	})
}
