package dbagent

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// prefix of the name of every metric of the agent.
const prefix = "chatpdf_mongodb_"

// maxLabel bounds the value of a label, in bytes: some of them come from clients of the database.
// The longest that need be is a member's host.
const maxLabel = 300

// The kinds of metrics, in Prometheus' words. A summary here has a sum and a count and no quantiles.
const (
	kindGauge   = "gauge"
	kindCounter = "counter"
	kindSummary = "summary"
)

// family is one metric with all the values that its labels take. docs/metrics.md has a row for each.
type family struct {
	name, kind, help string
	labels           []string
	desc             *prometheus.Desc
}

func newFamily(kind, name, help string, labels []string) *family {
	name = prefix + name
	return &family{name: name, kind: kind, help: help, labels: labels, desc: prometheus.NewDesc(name, help, labels, nil)}
}

// newGauge has the label set and the given ones, as newCounter and newSummary have.
func newGauge(name, help string, labels ...string) *family {
	return newFamily(kindGauge, name, help, ofSet(labels))
}

func newCounter(name, help string, labels ...string) *family {
	return newFamily(kindCounter, name, help, ofSet(labels))
}

func newSummary(name, help string, labels ...string) *family {
	return newFamily(kindSummary, name, help, ofSet(labels))
}

func ofSet(labels []string) []string { return append([]string{"set"}, labels...) }

// emitter hands the numbers of one scrape to Prometheus. Each has the set's name as first label.
type emitter struct {
	set     string
	metrics chan<- prometheus.Metric
}

// number emits the value of a gauge or a counter.
func (e emitter) number(f *family, value float64, labels ...string) {
	kind := prometheus.GaugeValue
	if f.kind == kindCounter {
		kind = prometheus.CounterValue
	}
	e.metrics <- prometheus.MustNewConstMetric(f.desc, kind, value, e.labels(labels)...)
}

// summary emits how many there were, and what they add up to.
func (e emitter) summary(f *family, count, sum float64, labels ...string) {
	e.metrics <- prometheus.MustNewConstSummary(f.desc, uint64(count), sum, nil, e.labels(labels)...)
}

// labels are made fit for Prometheus, which takes no invalid UTF-8.
func (e emitter) labels(given []string) []string {
	all := slices.Insert(slices.Clone(given), 0, e.set)
	for i, label := range all {
		all[i] = strings.ToValidUTF8(label[:min(len(label), maxLabel)], "")
	}
	return all
}
