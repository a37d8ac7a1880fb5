package web

import (
	"net/http"
	"sync/atomic"

	"chatpdf.dev/operator/app/serve"
)

// Health answers the probes of the frontend. A frontend that serves has loaded its page.
type Health struct{ stopping atomic.Bool }

// Stopping says that the process ends soon and wants no new requests.
func (h *Health) Stopping() { h.stopping.Store(true) }

func (h *Health) live(w http.ResponseWriter, _ *http.Request) {
	w.Write([]byte("ok\n")) //nolint:errcheck // who asked has gone
}

func (h *Health) ready(w http.ResponseWriter, r *http.Request) {
	if h.stopping.Load() {
		serve.WriteProblem(w, http.StatusServiceUnavailable, "The process is stopping.")
		return
	}
	h.live(w, r)
}
