package httpapi

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatpdf.dev/operator/app/store"
)

func newQuestions() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatpdf_questions_total",
		Help: "Questions by how they were answered: generated, extractive (there is no model), or fallback (the model could not be asked)."}, []string{"mode"})
}

var (
	queued    = prometheus.NewDesc("chatpdf_ingest_queue_documents", "Documents waiting for a worker or with one; the same at every replica.", []string{"state"}, nil)
	oldest    = prometheus.NewDesc("chatpdf_ingest_queue_oldest_seconds", "How long the oldest waiting document has waited; the same at every replica.", nil, nil)
	sessions  = prometheus.NewDesc("chatpdf_active_sessions", "Sessions that have not ended; the same at every replica.", nil, nil)
	conns     = prometheus.NewDesc("chatpdf_mongodb_connections", "Connections of this process to MongoDB.", []string{"state"}, nil)
	reachable = prometheus.NewDesc("chatpdf_mongodb_up", "Whether MongoDB answered this scrape.", nil, nil)
)

// databaseCollector asks the database when Prometheus does.
type databaseCollector struct{ store *store.Store }

// Describe names the metrics.
func (c databaseCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{queued, oldest, sessions, conns, reachable} {
		to <- d
	}
}

// Collect reads them, within three seconds, and leaves out what the database does not tell.
func (c databaseCollector) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	open, inUse := c.store.Connections()
	gauge(conns, float64(open), "open")
	gauge(conns, float64(inUse), "in-use")
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	stats, err := c.store.QueueStats(ctx)
	if err != nil {
		gauge(reachable, 0)
		return
	}
	gauge(reachable, 1)
	gauge(queued, float64(stats.Queued), "queued")
	gauge(queued, float64(stats.Processing), "processing")
	gauge(oldest, stats.OldestQueued.Seconds())
	if n, err := c.store.CountSessions(ctx, time.Now()); err == nil {
		gauge(sessions, float64(n))
	}
}
