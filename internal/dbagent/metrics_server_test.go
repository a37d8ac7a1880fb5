package dbagent

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// emission is a collector of what one test emits.
type emission func(emitter)

func (emission) Describe(chan<- *prometheus.Desc) {}

func (e emission) Collect(metrics chan<- prometheus.Metric) { e(emitter{"docs", metrics}) }

// samples are the lines that Prometheus would read.
func samples(t *testing.T, e emission) string {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(e)
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	var lines []string
	for line := range strings.Lines(answer.Body.String()) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return strings.Join(lines, "\n")
}

func document(t *testing.T, content bson.M) bson.Raw {
	t.Helper()
	raw, err := bson.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestWhatAVersionDoesNotTellIsLeftOut(t *testing.T) {
	tickets := func(out int) bson.M { return bson.M{"read": bson.M{"out": out}} }
	const info = `chatpdf_mongodb_server_info{set="docs",storage_engine="",version="8.0"} 1`
	for _, c := range []struct {
		name   string
		status bson.M
		want   string
	}{
		{"nothing", bson.M{}, ""},
		{"tickets until 7.0", bson.M{"wiredTiger": bson.M{"concurrentTransactions": tickets(1)}}, `chatpdf_mongodb_tickets_used{set="docs",type="read"} 1`},
		{"tickets since 8.0", bson.M{"queues": bson.M{"execution": tickets(2)}}, `chatpdf_mongodb_tickets_used{set="docs",type="read"} 2`},
		{"tickets in both places", bson.M{"queues": bson.M{"execution": tickets(2)}, "wiredTiger": bson.M{"concurrentTransactions": tickets(1)}},
			`chatpdf_mongodb_tickets_used{set="docs",type="read"} 2`},
		{"a number that is none", bson.M{"mem": bson.M{"resident": "much"}, "connections": 7}, ""},
		{"an oplog without a beginning", bson.M{"oplog": bson.M{"latestOptime": bson.Timestamp{T: 9}}}, ""},
		{"an empty oplog", bson.M{"oplog": bson.M{"latestOptime": bson.Timestamp{T: 9}, "earliestOptime": bson.Timestamp{}}}, ""},
		{"an oplog", bson.M{"oplog": bson.M{"latestOptime": bson.Timestamp{T: 90}, "earliestOptime": bson.Timestamp{T: 30}}}, `chatpdf_mongodb_oplog_window_seconds{set="docs"} 60`},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.status["version"] = "8.0"
			got := samples(t, func(e emitter) { e.emitStatus(document(t, c.status)) })
			if want := strings.TrimSpace(info + "\n" + c.want); got != want && got != strings.TrimSpace(c.want+"\n"+info) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestLagIsToldOnlyWhereItIsKnown(t *testing.T) {
	at := func(seconds int64) time.Time { return time.Unix(1000+seconds, 0) }
	primary := bson.M{"name": "a", "health": 1.0, "state": 1, "optimeDate": at(60)}
	for _, c := range []struct {
		name    string
		members bson.A
		want    string
	}{
		{"behind", bson.A{primary, bson.M{"name": "b", "health": 1.0, "state": 2, "optimeDate": at(45)}}, `{member="b",set="docs"} 15`},
		{"seen before the primary's own time", bson.A{primary, bson.M{"name": "b", "health": 1.0, "state": 2, "optimeDate": at(61)}}, `{member="b",set="docs"} 0`},
		{"recovering", bson.A{primary, bson.M{"name": "b", "health": 1.0, "state": 3, "optimeDate": at(0)}}, `{member="b",set="docs"} 60`},
		{"down", bson.A{primary, bson.M{"name": "b", "health": 0.0, "state": 8, "optimeDate": at(45)}}, ""},
		{"never heard of", bson.A{primary, bson.M{"name": "b", "health": 1.0, "state": 5, "optimeDate": time.Unix(0, 0)}}, ""},
		{"an arbiter", bson.A{primary, bson.M{"name": "b", "health": 1.0, "state": 7}}, ""},
		{"no primary", bson.A{bson.M{"name": "b", "health": 1.0, "state": 2, "optimeDate": at(45)}}, ""},
		{"a state of the future", bson.A{primary, bson.M{"name": "b", "health": 0.0, "state": 99}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := samples(t, func(e emitter) {
				if err := e.emitSet(document(t, bson.M{"members": c.members})); err != nil {
					t.Error(err)
				}
			})
			_, lag, _ := strings.Cut(text, "replication_lag_seconds")
			lag, _, _ = strings.Cut(lag, "\n")
			if lag != c.want {
				t.Errorf("%q, want %q", lag, c.want)
			}
		})
	}
}

func TestALabelIsFitForPrometheusWhateverTheServerSays(t *testing.T) {
	text := samples(t, func(e emitter) {
		e.number(familyServerInfo, 1, "\xff\xfe"+strings.Repeat("ä", maxLabel), "\"\n\\")
	})
	if len(text) > maxLabel+100 || !strings.Contains(text, `storage_engine="\"\n\\"`) {
		t.Error(text)
	}
}
