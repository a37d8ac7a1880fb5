package dbagent

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// scrapeTimeout bounds all questions of one scrape together. Prometheus itself gives up after 10 s.
const scrapeTimeout = 3 * time.Second

var familyMetricsUp = newFamily(kindGauge, "metrics_up",
	"1 if the agent is logged in to mongod as the metrics user, else 0: then most of the other metrics are missing.", nil)

// Metrics asks the mongod of this pod for its numbers, as the metrics user, when Prometheus asks.
// What mongod does not tell, because of its version or because it is busy, is left out. Its methods
// are safe to call from several goroutines; scrapes take turns.
type Metrics struct {
	log   *slog.Logger
	set   string
	login *login
	slow  *slowLog
	// outcome is what was logged of the scrape before.
	outcome string
	// turn holds a token while a scrape, or Close, uses what is above.
	turn chan struct{}
}

// NewMetrics makes the metrics of the replica set's member whose mongod listens at the address, on
// loopback. The caller closes them.
func NewMetrics(log *slog.Logger, set, address string, files *Files) *Metrics {
	return &Metrics{
		log: log, set: set,
		login: &login{address: address, files: files},
		slow:  newSlowLog(time.Now()),
		turn:  make(chan struct{}, 1),
	}
}

// Close gives the connections up.
func (m *Metrics) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	m.turn <- struct{}{}
	defer func() { <-m.turn }()
	m.login.drop(ctx)
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(descriptions chan<- *prometheus.Desc) {
	for _, f := range families() {
		descriptions <- f.desc
	}
}

// families are those that Metrics emits.
func families() []*family {
	all := []*family{
		familyMetricsUp, familyServerInfo, familyLatency,
		familyMemberHealth, familyMemberState, familyMemberPing, familyLag, familyTerm,
		familyOplogWindow, familyOplogSize, familyOplogMax, familyDiskUsed, familyDiskTotal,
		familySlow, familySlowKeys, familySlowExamined, familySlowReturned, familyLogMissed,
	}
	for _, r := range readings {
		all = append(all, r.family)
	}
	return all
}

// Collect implements prometheus.Collector. It takes 3 seconds at most.
func (m *Metrics) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	up := 0.0
	defer func() { metrics <- prometheus.MustNewConstMetric(familyMetricsUp.desc, prometheus.GaugeValue, up) }()
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return
	}
	e := emitter{m.set, metrics}
	status, err := m.login.prove(ctx, statusCommand())
	if err == nil {
		up = 1
		e.emitStatus(status)
		err = m.rest(ctx, e)
	}
	m.logChange(up == 1, err)
	// What was counted stays, whether mongod answers or not.
	m.slow.emit(e)
}

// rest asks for all that serverStatus does not say. One question that fails takes no other with it.
func (m *Metrics) rest(ctx context.Context, e emitter) error {
	var failures []error
	for _, question := range []struct {
		database string
		command  bson.D
		emit     func(bson.Raw) error
	}{
		{"admin", bson.D{{Key: "replSetGetStatus", Value: 1}}, e.emitSet},
		{"local", bson.D{{Key: "collStats", Value: "oplog.rs"}}, e.emitOplog},
		{"admin", bson.D{{Key: "dbStats", Value: 1}}, e.emitDisk},
	} {
		reply, err := m.login.ask(ctx, question.database, question.command)
		if err == nil {
			err = question.emit(reply)
		}
		if err != nil {
			failures = append(failures, err)
		}
	}
	return errors.Join(append(failures, m.readLog(ctx))...)
}

// readLog counts the slow operations that were logged since the scrape before.
func (m *Metrics) readLog(ctx context.Context) error {
	hello, err := m.login.ask(ctx, "admin", bson.D{{Key: "hello", Value: 1}})
	if err != nil {
		return err
	}
	log, err := m.login.ask(ctx, "admin", bson.D{{Key: "getLog", Value: "global"}})
	if err != nil {
		return err
	}
	return m.slow.read(hello, log)
}

// logChange says once what is the matter, not at every scrape.
func (m *Metrics) logChange(loggedIn bool, err error) {
	outcome := "no answer"
	switch {
	case err == nil:
		outcome = "complete"
	case loggedIn:
		outcome = "incomplete"
	case errors.Is(err, errNoUser), errors.Is(err, errRefused):
		outcome = err.Error()
	}
	if m.outcome == outcome {
		return
	}
	m.outcome = outcome
	if err == nil {
		m.log.Info("The metrics of mongod are there")
		return
	}
	m.log.Warn("Metrics of mongod are missing", "loggedIn", loggedIn, "error", err)
}
