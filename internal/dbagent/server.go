package dbagent

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"chatpdf.dev/operator/internal/dbagent/protocol"
)

// maxRequest bounds the body of a bootstrap request, which is about 200 bytes.
const maxRequest = 4 << 10

// maxScrapes bounds how many ask for metrics at a time; more of them are answered 503.
const maxScrapes = 4

// server answers the agent's endpoints.
type server struct {
	log         *slog.Logger
	files       *Files
	member      *Member
	bootstrap   *bootstrapper
	rotator     *rotator
	bootstraps  sync.Mutex // one at a time
	readyLogged string     // what readiness said last, guarded by readyMu
	readyMu     sync.Mutex
}

// newHandler serves
//
//	GET  /startupz      the files that mongod needs are written
//	GET  /livez         the agent answers
//	GET  /readyz        this member is primary or secondary
//	GET  /metrics       how the member is, for Prometheus: docs/metrics.md
//	GET  /v1/report     what mongod serves, trusts and was started with
//	POST /v1/bootstrap  initiate, with the operator's token
func newHandler(log *slog.Logger, self Self, address string, files *Files, member *Member, metrics *Metrics, rotator *rotator) http.Handler {
	s := &server{
		log: log, files: files, member: member, rotator: rotator,
		bootstrap: &bootstrapper{self: self, address: address, files: files, member: member},
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(&stateCollector{member: member, set: self.ReplicaSet}, metrics)
	mux := http.NewServeMux()
	// Requests are served only after the files were written.
	mux.HandleFunc("GET /startupz", ok)
	mux.HandleFunc("GET /livez", ok)
	mux.HandleFunc("GET /readyz", s.ready)
	// A metric that is no good takes no other with it.
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: maxScrapes,
	}))
	mux.HandleFunc("GET "+protocol.ReportPath, s.handleReport)
	mux.HandleFunc("POST "+protocol.BootstrapPath, s.handleBootstrap)
	return mux
}

func ok(w http.ResponseWriter, _ *http.Request) {
	io.WriteString(w, "ok\n") //nolint:errcheck // the asker is gone
}

// ready says whether clients may be sent here. Before the set is initiated nobody is ready; the
// operator does not wait for readiness.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	state := "unreachable"
	if reply, err := s.member.Hello(r.Context(), ""); err == nil {
		state = State(reply)
	}
	s.logChange(state)
	if state != "primary" && state != "secondary" {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	io.WriteString(w, state+"\n") //nolint:errcheck // the asker is gone
}

func (s *server) logChange(state string) {
	s.readyMu.Lock()
	defer s.readyMu.Unlock()
	if s.readyLogged != state {
		s.readyLogged = state
		s.log.Info("The member's state changed", "state", state)
	}
}

func (s *server) handleReport(w http.ResponseWriter, r *http.Request) {
	report := s.rotator.report()
	report.PodUID, report.Fences, report.Fenced = s.bootstrap.self.PodUID, s.files.fences(), Fenced(s.files.directories.Run)
	report.Stopped = report.Fenced && nobodyListens(r.Context(), s.bootstrap.address)
	if s.authorized(r) {
		var err error
		if report.Keyfile, err = s.files.StartedWith(); err != nil {
			answer(w, http.StatusInternalServerError, protocol.Refusal{Reason: err.Error()})
			return
		}
	}
	answer(w, http.StatusOK, report)
}

func (s *server) handleBootstrap(w http.ResponseWriter, r *http.Request) {
	if !s.authorized(r) {
		answer(w, http.StatusUnauthorized, protocol.Refusal{Reason: "the token is not the operator's"})
		return
	}
	var request protocol.BootstrapRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&request); err != nil {
		answer(w, http.StatusBadRequest, protocol.Refusal{Reason: "the request is not the JSON that bootstrap takes"})
		return
	}
	if !s.bootstraps.TryLock() {
		answer(w, http.StatusServiceUnavailable, protocol.Refusal{Reason: "a bootstrap is running already"})
		return
	}
	defer s.bootstraps.Unlock()
	reply, err := s.bootstrap.run(r.Context(), request)
	var refused refusal
	switch {
	case err == nil:
		s.log.Info("The member is the first of its replica set", "replicaSet", reply.ReplicaSetID)
		answer(w, http.StatusOK, reply)
	case errors.As(err, &refused):
		s.log.Info("Bootstrap did not succeed", "status", refused.status, "reason", refused.reason)
		answer(w, refused.status, protocol.Refusal{Reason: refused.reason})
	default:
		answer(w, http.StatusInternalServerError, protocol.Refusal{Reason: err.Error()})
	}
}

// authorized compares digests, so that the time it takes says nothing of the token or its length.
func (s *server) authorized(r *http.Request) bool {
	token, err := s.files.Token()
	if err != nil || token == "" {
		return false
	}
	given, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	want, got := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1 && found
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) //nolint:errcheck // the asker is gone
}
