// Package httpapi is the HTTP interface of the backend: JSON operations described by OpenAPI, uploads,
// downloads and streamed answers.
//
// What holds here:
//
//   - Every error is an RFC 9457 problem whose detail says what the client can do; what went wrong
//     inside is logged under the request's id and never sent.
//   - Someone else's id answers like one that does not exist.
//   - Every request is bounded: in time, or while it streams in silence; in bytes; and per client in
//     requests a second and a minute.
//   - Logs name routes, ids and durations, never bodies, queries or secrets.
package httpapi

import (
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"chatpdf.dev/operator/app/auth"
	"chatpdf.dev/operator/app/llm"
	"chatpdf.dev/operator/app/retrieve"
	"chatpdf.dev/operator/app/serve"
	"chatpdf.dev/operator/app/store"
)

// Options are what a Server works with.
type Options struct {
	Store          *store.Store
	Auth           *auth.Service
	Model          *llm.Client // nil: answers are quotes
	EmbeddingModel string      // of Model
	Indexes        *retrieve.Cache
	Health         *Health
	Registry       *prometheus.Registry
	Log            *slog.Logger
	Version        string
	Timeout        time.Duration // of a request; of silence for uploads and streams
	MaxFileSize    int64         // bytes
	MaxPages       int
	AllowedOrigins []string
	RateLimit      RateLimit
}

// server holds what handlers share.
type server struct {
	Options
	limiter   *limiter
	mux       *http.ServeMux
	answers   chan struct{} // a slot for each answer in the making
	questions *prometheus.CounterVec
	streams   map[string]bool // patterns of routes whose requests may take long
}

// New returns the handler of the backend's main port.
func New(o Options) (http.Handler, error) {
	s := &server{Options: o, mux: http.NewServeMux(),
		limiter: newLimiter(o.RateLimit, o.Store, o.Log), streams: map[string]bool{}, answers: make(chan struct{}, maxAnswers), questions: newQuestions()}
	protection, err := newOrigins(o.AllowedOrigins)
	if err != nil {
		return nil, err
	}
	api := humago.New(s.mux, s.config())
	api.UseMiddleware(s.requireSession(api))
	s.routes(api)
	o.Health.routes(s.mux)
	// Read upwards: the innermost handler comes first.
	h := http.Handler(http.HandlerFunc(s.route))
	h = protection.refuse(h)
	h = s.limit(h)
	h = s.identify(h)
	h = protection.share(h)
	h = s.bound(h)
	observer := &serve.Observer{Log: o.Log, Address: serve.ForwardedAddress, Quiet: isProbe,
		Route: func(r *http.Request) string { _, pattern := s.mux.Handler(r); return pattern }}
	observer.Register(o.Registry)
	o.Registry.MustRegister(s.questions, databaseCollector{o.Store})
	return observer.Handler(h), nil
}

func isProbe(path string) bool { return !strings.HasPrefix(path, "/api/") }

func (s *server) config() huma.Config {
	c := huma.DefaultConfig("ChatPDF", s.Version)
	c.OpenAPIPath = "/api/openapi"
	c.DocsPath, c.SchemasPath = "", ""
	c.CreateHooks = nil // no $schema links in answers
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", func(t reflect.Type, hint string) string {
		return strings.TrimPrefix(huma.DefaultSchemaNamer(t, hint), "Wire")
	})
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: cookieSecure,
			Description: "Set by POST /api/v1/session; called " + cookiePlain + " where the page is not served over https."},
	}
	return c
}

// signedIn marks operations that need a session.
var signedIn = []map[string][]string{{"session": {}}}

func (s *server) routes(api huma.API) {
	s.sessionOperations(api)
	s.documentOperations(api)
	s.raw(api, uploadOperation(api), s.upload)
	s.raw(api, downloadOperation(), s.download)
	s.raw(api, questionOperation(api), s.question)
}

// raw describes an operation in OpenAPI but leaves reading the request and writing the answer to a
// handler, because it streams.
func (s *server) raw(api huma.API, op *huma.Operation, h http.HandlerFunc) {
	op.Security = signedIn
	api.OpenAPI().AddOperation(op)
	pattern := op.Method + " " + op.Path
	s.streams[pattern] = true
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if userOf(r.Context()) == nil {
			writeProblem(w, notSignedIn())
			return
		}
		h(w, r)
	})
}

// route lets the mux answer, and turns its own refusals into problems.
func (s *server) route(w http.ResponseWriter, r *http.Request) {
	handler, pattern := s.mux.Handler(r)
	if pattern != "" {
		s.mux.ServeHTTP(w, r)
		return
	}
	refusal := &refusal{header: http.Header{}}
	handler.ServeHTTP(refusal, r)
	if allow := refusal.header.Get("Allow"); allow != "" {
		w.Header().Set("Allow", allow)
		writeProblem(w, problem(http.StatusMethodNotAllowed, "This address does not take "+r.Method+"; it takes "+allow+"."))
		return
	}
	writeProblem(w, problem(http.StatusNotFound, "There is nothing at this address."))
}

// refusal keeps the headers of an answer and drops the rest.
type refusal struct{ header http.Header }

func (r *refusal) Header() http.Header         { return r.header }
func (r *refusal) Write(p []byte) (int, error) { return len(p), nil }
func (r *refusal) WriteHeader(int)             {}
