package httpapi

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"chatpdf.dev/operator/app/store"
)

// Health answers probes.
type Health struct {
	Store    *store.Store
	Version  string
	prepared atomic.Bool
	stopping atomic.Bool
}

// Prepared says that the indexes exist.
func (h *Health) Prepared() { h.prepared.Store(true) }

// Stopping says that the process ends soon and wants no new requests.
func (h *Health) Stopping() { h.stopping.Store(true) }

func (h *Health) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("ok\n")) //nolint:errcheck // who asked has gone
	})
	mux.HandleFunc("GET /readyz", h.report)
	mux.HandleFunc("GET /health", h.report)
}

// report says whether everything works, and if not, what does not.
func (h *Health) report(w http.ResponseWriter, r *http.Request) {
	checks := map[string]string{"database": "ok", "indexes": "ok", "process": "ok"}
	healthy := true
	fail := func(check, why string) { checks[check], healthy = why, false }
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	if err := h.Store.Ping(ctx); err != nil {
		fail("database", "does not answer")
	}
	if !h.prepared.Load() {
		fail("indexes", "not there yet")
	}
	if h.stopping.Load() {
		fail("process", "stopping")
	}
	body := struct {
		Status  string            `json:"status"`
		Version string            `json:"version"`
		Checks  map[string]string `json:"checks"`
	}{"healthy", h.Version, checks}
	status := http.StatusOK
	if !healthy {
		body.Status, status = "unhealthy", http.StatusServiceUnavailable
	}
	writeJSON(w, status, "application/json", body)
}
