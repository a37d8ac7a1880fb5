package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Observer gives each request an id, counts and logs it, and survives panics of its handler. It logs
// paths, never queries, headers or bodies.
type Observer struct {
	Log     *slog.Logger
	Route   func(*http.Request) string // pattern such as "GET /things/{id}", so that ids make no new series
	Address func(*http.Request) string // of the client
	Quiet   func(path string) bool     // logged at debug level only

	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	panics   prometheus.Counter
}

// Register adds the metrics of requests to r; it comes before Handler.
func (o *Observer) Register(r prometheus.Registerer) {
	o.requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total",
		Help: "Requests answered; code 499 are those whose client went away."}, []string{"route", "method", "code"})
	o.duration = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "http_request_duration_seconds",
		Help:    "Time from the request's headers to the end of its answer.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2, 5, 10, 30, 60, 300}}, []string{"route", "method"})
	o.inFlight = prometheus.NewGauge(prometheus.GaugeOpts{Name: "http_requests_in_flight", Help: "Requests being answered."})
	o.panics = prometheus.NewCounter(prometheus.CounterOpts{Name: "http_panics_total", Help: "Requests whose handler panicked."})
	r.MustRegister(o.requests, o.duration, o.inFlight, o.panics)
}

// Handler observes the requests to next.
func (o *Observer) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		info := newRequest(r, o.Address(r))
		info.Route = o.Route(r)
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, info))
		sent := &sentResponse{ResponseWriter: w}
		sent.Header().Set("X-Request-Id", info.ID)
		o.inFlight.Inc()
		defer func() {
			o.inFlight.Dec()
			failure := recover()
			if failure != nil && !aborted(failure) {
				o.panics.Inc()
				o.Log.Error("a handler panicked", "request", info.ID, "panic", fmt.Sprint(failure), "stack", string(debug.Stack()))
				if sent.status == 0 {
					WriteProblem(sent, http.StatusInternalServerError,
						"Something went wrong on the server; the request's id "+info.ID+" leads to it in the log.")
					failure = nil
				}
			}
			o.note(r, info, sent, time.Since(began))
			if failure != nil {
				panic(http.ErrAbortHandler) // the client must not take what it has for the whole answer
			}
		}()
		next.ServeHTTP(sent, r)
	})
}

func (o *Observer) note(r *http.Request, info *Request, sent *sentResponse, took time.Duration) {
	method, route, ok := strings.Cut(info.Route, " ")
	if !ok {
		method, route = "any", "unknown"
	}
	o.requests.WithLabelValues(route, method, strconv.Itoa(sent.status)).Inc()
	o.duration.WithLabelValues(route, method).Observe(took.Seconds())
	level := slog.LevelInfo
	if o.Quiet(r.URL.Path) {
		level = slog.LevelDebug
	}
	o.Log.Log(r.Context(), level, "request", "request", info.ID, "method", r.Method, "path", r.URL.Path,
		"status", sent.status, "bytes", sent.bytes, "seconds", took.Seconds(), "client", info.Client)
}

// aborted says that a handler panicked on purpose, to break its answer off.
func aborted(failure any) bool {
	err, ok := failure.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// sentResponse remembers what was sent.
type sentResponse struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader remembers the status.
func (s *sentResponse) WriteHeader(status int) {
	if s.status == 0 && status >= 200 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write counts bytes.
func (s *sentResponse) Write(p []byte) (int, error) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	n, err := s.ResponseWriter.Write(p)
	s.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (s *sentResponse) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// WriteProblem answers with an RFC 9457 problem; detail says what the client can do.
func WriteProblem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail}) //nolint:errcheck // a client that has gone needs no answer
}
