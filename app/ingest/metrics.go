package ingest

import "github.com/prometheus/client_golang/prometheus"

// Metrics counts what the workers of this process have done.
type Metrics struct {
	pages     prometheus.Counter
	documents *prometheus.CounterVec
}

// NewMetrics registers the counters with r.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		pages: prometheus.NewCounter(prometheus.CounterOpts{Name: "chatpdf_ingest_pages_total",
			Help: "Pages whose text was stored."}),
		documents: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatpdf_ingest_documents_total",
			Help: "Attempts to take in a document by result: ready, failed, retried, given-back or lease-lost."}, []string{"result"}),
	}
	r.MustRegister(m.pages, m.documents)
	return m
}
