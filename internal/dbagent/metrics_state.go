package dbagent

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	familyUp = newFamily(kindGauge, "up",
		"1 if the mongod of this pod answers, else 0.", nil)
	familyState = newGauge("member_state",
		"1 for the state that the mongod of this pod is in: primary, secondary, arbiter, unconfigured or other.", "state")
)

// stateCollector asks mongod how it is when Prometheus asks. It needs no user.
type stateCollector struct {
	member *Member
	set    string
}

// Describe implements prometheus.Collector.
func (c *stateCollector) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- familyUp.desc
	descriptions <- familyState.desc
}

// Collect implements prometheus.Collector.
func (c *stateCollector) Collect(metrics chan<- prometheus.Metric) {
	reply, err := c.member.Hello(context.Background(), "")
	if err != nil {
		metrics <- prometheus.MustNewConstMetric(familyUp.desc, prometheus.GaugeValue, 0)
		return
	}
	metrics <- prometheus.MustNewConstMetric(familyUp.desc, prometheus.GaugeValue, 1)
	emitter{c.set, metrics}.number(familyState, 1, State(reply))
}
