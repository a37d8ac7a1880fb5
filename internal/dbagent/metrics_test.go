package dbagent_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"chatpdf.dev/operator/internal/dbagent"
	"chatpdf.dev/operator/internal/dbagent/protocol"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/podtest"
)

// startPrimary starts a pod that is the only member of its set.
func startPrimary(t *testing.T) (*podtest.Cluster, *podtest.Pod) {
	t.Helper()
	cluster, pod := startPod(t)
	if err := pod.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	return cluster, pod
}

// clientOf logs in to one member; admin is the operator's own user.
func clientOf(t *testing.T, cluster *podtest.Cluster, pod *podtest.Pod) *mongo.Client {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cluster.CA)
	client, err := mongo.Connect(options.Client().
		SetHosts([]string{pod.MongoDAddress()}).SetDirect(true).
		SetTLSConfig(&tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}).
		SetAuth(options.Credential{AuthSource: "admin", Username: mongodb.AdminUsername, Password: cluster.AdminPassword}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Disconnect(context.Background()) }) //nolint:errcheck // the member is gone next
	return client
}

func run(t *testing.T, client *mongo.Client, database string, command ...bson.E) bson.Raw {
	t.Helper()
	reply, err := client.Database(database).RunCommand(t.Context(), bson.D(command)).Raw()
	if err != nil {
		t.Fatalf("%s: %v", command[0].Key, err)
	}
	return reply
}

// makeUser makes the user for metrics as the operator should, and mounts its Secret.
func makeUser(t *testing.T, cluster *podtest.Cluster, client *mongo.Client, username, password string) {
	t.Helper()
	verb := "updateRole"
	if roles, err := run(t, client, "admin", bson.E{Key: "rolesInfo", Value: protocol.MetricsRole}).LookupErr("roles", "0"); err != nil || roles.IsZero() {
		verb = "createRole"
	}
	run(t, client, "admin", bson.E{Key: verb, Value: protocol.MetricsRole},
		bson.E{Key: "privileges", Value: protocol.MetricsPrivileges()}, bson.E{Key: "roles", Value: bson.A{}})
	run(t, client, "admin", bson.E{Key: "createUser", Value: username}, bson.E{Key: "pwd", Value: password},
		bson.E{Key: "roles", Value: []protocol.Role{{Name: protocol.MetricsRole, Database: "admin"}}})
	mountUser(t, cluster, username, password)
}

func mountUser(t *testing.T, cluster *podtest.Cluster, username, password string) {
	t.Helper()
	for key, value := range map[string]string{"username": username, "password": password} {
		if err := cluster.WriteSecret("metrics", key, value); err != nil {
			t.Fatal(err)
		}
	}
}

// series are the samples of a scrape, by name and labels.
type series map[string]float64

func scrape(t *testing.T, cluster *podtest.Cluster, pod *podtest.Pod) (series, string) {
	t.Helper()
	status, text := get(t, cluster, pod, "/metrics")
	if status != http.StatusOK {
		t.Fatalf("metrics: %d\n%s", status, text)
	}
	return parseMetrics(t, text), text
}

func parseMetrics(t *testing.T, text string) series {
	t.Helper()
	all := series{}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndex(line, " ")
		value, err := strconv.ParseFloat(strings.TrimSpace(line[at+1:]), 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all[strings.TrimPrefix(line[:at], "chatpdf_mongodb_")] = value
	}
	return all
}

// eventually scrapes until what is asked for holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		if holds() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

// documented are the names of the metrics on the page.
func documented(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, row := range regexp.MustCompile("(?m)^\\| `chatpdf_mongodb_([a-z0-9_]+)` \\|").FindAllSubmatch(page, -1) {
		names = append(names, string(row[1]))
	}
	if len(names) == 0 {
		t.Fatal("the page has no metrics")
	}
	return names
}

// has says whether a metric of that name has a sample with all of the labels.
func (s series) has(name string, labels ...string) bool {
	_, found := s.value(name, labels...)
	return found
}

func (s series) value(name string, labels ...string) (float64, bool) {
search:
	for sample, value := range s {
		if base, _, _ := strings.Cut(sample, "{"); base != name {
			continue
		}
		for _, label := range labels {
			if !strings.Contains(sample, label) {
				continue search
			}
		}
		return value, true
	}
	return 0, false
}

func TestEveryDocumentedMetricIsThereForAUserWithTheDocumentedRoles(t *testing.T) {
	cluster, pod := startPrimary(t)
	client := clientOf(t, cluster, pod)
	makeUser(t, cluster, client, "metrics", "a:b/c@d%")
	everythingIsSlow(t, client)
	run(t, client, "chatpdf", bson.E{Key: "find", Value: "passages"})
	samples, text := scrape(t, cluster, pod)
	for _, name := range documented(t) {
		if name == "replication_lag_seconds" || name == "set_member_ping_seconds" {
			continue // a member alone has none; see the test of the lag
		}
		if !samples.has(name) && !samples.has(name+"_count") {
			t.Errorf("%s is missing", name)
		}
	}
	for sample, holds := range map[string]func(float64) bool{
		`metrics_up`: func(v float64) bool { return v == 1 },
		`set_member_state{member="` + pod.Host + `",set="docs",state="primary"}`: func(v float64) bool { return v == 1 },
		`set_member_health{member="` + pod.Host + `",set="docs"}`:                func(v float64) bool { return v == 1 },
		`certificate_expiry_timestamp_seconds{set="docs"}`: func(v float64) bool {
			left := time.Until(time.Unix(int64(v), 0))
			return left > 20*time.Hour && left < 25*time.Hour
		},
		`cache_max_bytes{set="docs"}`:                                func(v float64) bool { return v == 256<<20 },
		`disk_size_bytes{set="docs"}`:                                func(v float64) bool { return v >= samples[`disk_used_bytes{set="docs"}`] && v > 1<<30 },
		`uptime_seconds{set="docs"}`:                                 func(v float64) bool { return v > 0 && v < patience.Seconds() },
		`operation_latency_seconds_count{set="docs",type="command"}`: func(v float64) bool { return v > 0 },
		`oplog_max_bytes{set="docs"}`:                                func(v float64) bool { return v > samples[`oplog_size_bytes{set="docs"}`] },
	} {
		if value, found := samples[sample]; !found || !holds(value) {
			t.Errorf("%s is %v (%v)", sample, value, found)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// everythingIsSlow has mongod log every operation as slow.
func everythingIsSlow(t *testing.T, client *mongo.Client) {
	t.Helper()
	run(t, client, "admin", bson.E{Key: "profile", Value: 0}, bson.E{Key: "slowms", Value: -1})
}

func TestWithoutItsUserTheStateIsToldAllTheSame(t *testing.T) {
	cluster, pod := startPrimary(t)
	client := clientOf(t, cluster, pod)
	check := func(what string, up, metricsUp float64) {
		t.Helper()
		samples, text := scrape(t, cluster, pod)
		if samples["up"] != up || samples["metrics_up"] != metricsUp || samples.has("metrics_up") != true ||
			samples.has("member_state", `state="primary"`) != (up == 1) || samples.has("uptime_seconds") != (metricsUp == 1) {
			t.Errorf("%s:\n%s", what, text)
		}
	}
	check("no Secret", 1, 0)
	mountUser(t, cluster, "metrics", "right")
	check("no user", 1, 0)
	makeUser(t, cluster, client, "metrics", "right")
	check("the right password", 1, 1)
	pod.RestartAgent(t)
	mountUser(t, cluster, "metrics", "wrong")
	check("a wrong password", 1, 0)
	mountUser(t, cluster, "metrics", "\x01")
	check("a password that cannot be", 1, 0)
	mountUser(t, cluster, "metrics", "")
	check("an empty password", 1, 0)
	mountUser(t, cluster, "metrics", "right")
	check("the right password again", 1, 1)
	samples, _ := scrape(t, cluster, pod)
	open := samples[`connections_open{set="docs"}`]
	pod.Freeze()
	began := time.Now()
	check("frozen", 0, 0)
	var scrapes sync.WaitGroup
	for range 3 {
		scrapes.Go(func() { check("frozen, with others", 0, 0) })
	}
	scrapes.Wait()
	// Two rounds of 3 seconds, on a machine that may be busy.
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("frozen, it took %v", took)
	}
	pod.Thaw()
	eventually(t, "metrics of a mongod that was thawed, over no more connections than before", func() bool {
		samples, _ := scrape(t, cluster, pod)
		return samples["metrics_up"] == 1 && samples[`connections_open{set="docs"}`] <= open
	})
	pod.KillMongoD(t)
	eventually(t, "metrics of a mongod that was killed", func() bool {
		samples, _ := scrape(t, cluster, pod)
		return samples["metrics_up"] == 1
	})
}

func TestARotatedUserIsTakenUpInTheSameScrape(t *testing.T) {
	cluster, pod := startPrimary(t)
	client := clientOf(t, cluster, pod)
	check := func(what string) {
		t.Helper()
		if samples, text := scrape(t, cluster, pod); samples["metrics_up"] != 1 {
			t.Errorf("%s:\n%s", what, text)
		}
	}
	makeUser(t, cluster, client, "metrics-a", "first")
	check("the first user")
	makeUser(t, cluster, client, "metrics-b", "second")
	check("the second user beside the first")
	eventually(t, "no connection of the first user, whom the Secret does not name any more", func() bool {
		return connectionsOf(t, client, "metrics-a") == 0
	})
	mountUser(t, cluster, "metrics-c", "not made yet")
	check("a Secret that names a user that there is not")
	mountUser(t, cluster, "metrics-b", "second")
	run(t, client, "admin", bson.E{Key: "dropUser", Value: "metrics-a"})
	check("the second user in place of the first")

	mountUser(t, cluster, "metrics-b", "third")
	check("the Secret has the new password and mongod has not")
	run(t, client, "admin", bson.E{Key: "updateUser", Value: "metrics-b"}, bson.E{Key: "pwd", Value: "third"})
	check("both have the new password")
	pod.RestartAgent(t)
	check("an agent that logs in anew")
}

// connectionsOf counts the connections that are logged in as the user.
func connectionsOf(t *testing.T, client *mongo.Client, username string) int {
	t.Helper()
	cursor, err := client.Database("admin").Aggregate(t.Context(), bson.A{
		bson.D{{Key: "$currentOp", Value: bson.D{{Key: "allUsers", Value: true}, {Key: "idleConnections", Value: true}}}},
		bson.D{{Key: "$match", Value: bson.D{{Key: "effectiveUsers.user", Value: username}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var found []bson.Raw
	if err := cursor.All(t.Context(), &found); err != nil {
		t.Fatal(err)
	}
	return len(found)
}

func TestAScrapeAtSteadyStateOpensNoConnection(t *testing.T) {
	cluster, pod := startPrimary(t)
	client := clientOf(t, cluster, pod)
	makeUser(t, cluster, client, "metrics", "secret")
	created := func() float64 {
		samples, _ := scrape(t, cluster, pod)
		return samples[`connections_created_total{set="docs"}`]
	}
	before, logged := created(), strings.Count(pod.Log(), `"Connection accepted"`)
	for range 30 {
		created()
	}
	if after := created(); after != before || before == 0 {
		t.Errorf("%v connections for 31 scrapes", after-before)
	}
	if now := strings.Count(pod.Log(), `"Connection accepted"`); now != logged {
		t.Errorf("mongod logged %d more connections", now-logged)
	}
}

func TestNoValueOfAnOperationIsInTheMetrics(t *testing.T) {
	const secret = "hunter2hunter"
	cluster, pod := startPrimary(t)
	client := clientOf(t, cluster, pod)
	makeUser(t, cluster, client, "metrics", "password-of-metrics")
	everythingIsSlow(t, client)
	c := client.Database("chatpdf").Collection("passages")
	documents := make([]any, 200)
	for i := range documents {
		documents[i] = bson.M{"owner": secret, "n": i}
	}
	_, err := c.InsertMany(t.Context(), documents)
	must(t, err)
	cursor, err := c.Find(t.Context(), bson.M{"owner": secret, "$comment": secret}, options.Find().SetSort(bson.M{"n": 1}).SetBatchSize(10).SetComment(secret))
	must(t, err)
	must(t, cursor.All(t.Context(), &documents))
	_, err = c.UpdateMany(t.Context(), bson.M{"owner": bson.M{"$in": bson.A{secret}}}, bson.M{"$set": bson.M{"note": secret}})
	must(t, err)
	must(t, c.FindOneAndUpdate(t.Context(), bson.M{"$or": bson.A{bson.M{"n": 1}, bson.M{"owner": secret}}}, bson.M{"$set": bson.M{"note": secret}}).Err())
	_, err = c.Aggregate(t.Context(), bson.A{bson.M{"$match": bson.M{"owner": secret}}, bson.M{"$group": bson.M{"_id": secret}}})
	must(t, err)
	must(t, c.Distinct(t.Context(), "n", bson.M{"owner": secret}).Err())
	_, err = c.DeleteMany(t.Context(), bson.M{"owner": secret, "by." + strings.ToLower(bson.NewObjectID().Hex()): 1})
	must(t, err)
	// mongod cuts what is longer than 10 kB.
	must(t, c.Distinct(t.Context(), "n", bson.D{{Key: "m", Value: 1}, {Key: "long", Value: strings.Repeat(secret, 2000)}, {Key: "n", Value: 1}}).Err())
	client.Database(secret).Collection("x").FindOne(t.Context(), bson.M{}).Err() //nolint:errcheck // it is empty
	samples, text := scrape(t, cluster, pod)
	for _, want := range []string{
		"find {owner} sort {n}", "getMore of find {owner} sort {n}", "update {owner}", "update command", "findAndModify {n, owner}",
		"aggregate $match {owner} $group", "distinct {owner}", "distinct {m} ...", "delete {by.*, owner}", "delete command", "insert",
	} {
		if !samples.has("slow_query_seconds_count", `shape="`+want+`"`, `database="chatpdf"`, `collection="passages"`) {
			t.Errorf("%q is not counted", want)
		}
	}
	if examined, _ := samples.value("slow_query_examined_documents_total", `shape="find {owner} sort {n}"`, `plan="COLLSCAN"`); examined != 200 {
		t.Errorf("%v documents examined", examined)
	}
	for line := range strings.Lines(text) {
		// The name of a database is no value.
		if strings.Contains(line, secret) && !strings.Contains(line, `database="`+secret+`"`) || strings.Contains(line, "password-of-metrics") {
			t.Errorf("a secret: %s", line)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestASlowOperationCountsOnceThroughRestartsOfBoth(t *testing.T) {
	cluster, pod := startPrimary(t)
	client := clientOf(t, cluster, pod)
	makeUser(t, cluster, client, "metrics", "secret")
	everythingIsSlow(t, client)
	query := func() {
		for n := range 3 {
			run(t, client, "chatpdf", bson.E{Key: "find", Value: "passages"}, bson.E{Key: "filter", Value: bson.M{"n": n}})
		}
	}
	counted := func() float64 {
		samples, _ := scrape(t, cluster, pod)
		count, _ := samples.value("slow_query_seconds_count", `shape="find {n}"`)
		return count
	}
	check := func(what string, want float64) {
		t.Helper()
		for range 3 {
			if got := counted(); got != want {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
	}
	query()
	check("three queries", 3)
	query()
	check("three more", 6)
	pod.RestartAgent(t)
	check("another agent, which has seen none", 0)
	query()
	check("and now three", 3)
	pod.KillMongoD(t)
	untilReady(t, cluster, pod)
	check("another mongod", 3)
	everythingIsSlow(t, client)
	query()
	check("and three more", 6)
}

func TestLagAndHealthOfEveryMemberAreTold(t *testing.T) {
	cluster := podtest.New(t, "docs", "ns", 3)
	for _, pod := range cluster.Pods {
		pod.Start(t)
	}
	primary, other := cluster.Pods[0], cluster.Pods[2]
	must(t, primary.Bootstrap(t.Context()))
	client := clientOf(t, cluster, primary)
	makeUser(t, cluster, client, "metrics", "secret")
	of := func(pod *podtest.Pod) string { return `member="` + pod.Host + `"` }
	for id := 1; id <= 2; id++ {
		eventually(t, "one more member", func() bool { return addMember(t, client, id, cluster.Pods[id].Host) == nil })
		for _, pod := range cluster.Pods[:id+1] {
			eventually(t, "all agents see the members", func() bool {
				samples, _ := scrape(t, cluster, pod)
				for _, member := range cluster.Pods[:id+1] {
					health, _ := samples.value("set_member_health", of(member))
					lag, secondary := samples.value("replication_lag_seconds", of(member))
					if health != 1 || samples.has("set_member_ping_seconds", of(member)) == (member == pod) || secondary == (member == primary) || lag > 15 {
						return false
					}
				}
				return samples.has("set_member_state", of(primary), `state="primary"`) && samples.has("set_member_state", of(cluster.Pods[id]), `state="secondary"`)
			})
		}
	}
	other.Freeze()
	eventually(t, "a member that stands still lags", func() bool {
		run(t, client, "chatpdf", bson.E{Key: "insert", Value: "c"}, bson.E{Key: "documents", Value: bson.A{bson.M{"x": 1}}}, bson.E{Key: "writeConcern", Value: bson.M{"w": 1}})
		samples, _ := scrape(t, cluster, primary)
		lag, _ := samples.value("replication_lag_seconds", of(other))
		return lag >= 2
	})
	if samples, text := scrape(t, cluster, primary); !samples.has("replication_lag_seconds", of(cluster.Pods[1])) || samples.has("replication_lag_seconds", of(primary)) {
		t.Errorf("lag:\n%s", text)
	}
	other.Kill()
	eventually(t, "a member that is gone has no lag", func() bool {
		samples, _ := scrape(t, cluster, primary)
		health, found := samples.value("set_member_health", of(other))
		return found && health == 0 && !samples.has("replication_lag_seconds", of(other)) && samples.has("set_member_state", of(other), `state="down"`)
	})
}

// addMember adds one to the configuration that is there now.
func addMember(t *testing.T, client *mongo.Client, id int, host string) error {
	t.Helper()
	var reply struct {
		Config bson.M `bson:"config"`
	}
	if err := bson.Unmarshal(run(t, client, "admin", bson.E{Key: "replSetGetConfig", Value: 1}), &reply); err != nil {
		return err
	}
	members, _ := reply.Config["members"].(bson.A)
	reply.Config["members"] = append(members, bson.M{"_id": id, "host": host})
	version, _ := reply.Config["version"].(int32)
	reply.Config["version"] = version + 1
	return client.Database("admin").RunCommand(t.Context(), bson.D{{Key: "replSetReconfig", Value: reply.Config}}).Err()
}

func TestTheLogSaysOnceWhyMetricsAreMissingAndHoldsNoSecret(t *testing.T) {
	cluster, pod := startPrimary(t)
	client := clientOf(t, cluster, pod)
	makeUser(t, cluster, client, "metrics", "the-right-one")
	files, err := dbagent.NewFiles(cluster.Directories(t.TempDir(), t.TempDir()))
	must(t, err)
	var log bytes.Buffer
	metrics := dbagent.NewMetrics(slog.New(slog.NewJSONHandler(&log, nil)), "docs", pod.MongoDAddress(), files)
	t.Cleanup(metrics.Close)
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics)
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	for _, c := range []struct {
		password, says string
		up             float64
	}{
		{"the-wrong-one", "mongod refuses the user for metrics", 0},
		{"the-\x01-one", "that MongoDB does not take", 0},
		{"", "an empty ", 0},
		{"the-right-one", "are there", 1},
	} {
		mountUser(t, cluster, "metrics", c.password)
		for i := range 3 {
			log.Reset()
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
			if samples := parseMetrics(t, answer.Body.String()); samples["metrics_up"] != c.up {
				t.Errorf("%q: metrics_up %v", c.password, samples["metrics_up"])
			}
			text := log.String()
			if i == 0 && !strings.Contains(text, c.says) || i > 0 && text != "" {
				t.Errorf("%q, scrape %d: the log says %q", c.password, i, text)
			}
			if strings.Contains(text, "-one") || strings.Contains(text, "0001") {
				t.Errorf("%q: a secret is in the log: %q", c.password, text)
			}
		}
	}
}

func TestTheUserForMetricsReadsNoDocument(t *testing.T) {
	cluster, pod := startPod(t)
	if err := pod.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	makeUser(t, cluster, clientOf(t, cluster, pod), "metrics", "metrics-password")
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cluster.CA)
	client, err := mongo.Connect(options.Client().
		SetHosts([]string{pod.MongoDAddress()}).SetDirect(true).
		SetTLSConfig(&tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}).
		SetAuth(options.Credential{AuthSource: "admin", Username: "metrics", Password: "metrics-password"}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Disconnect(context.Background()) //nolint:errcheck // the member is gone next
	run(t, client, "admin", bson.E{Key: "serverStatus", Value: 1})
	for database, collection := range map[string]string{"local": "oplog.rs", "chatpdf": "documents", "admin": "system.users", "config": "transactions"} {
		err := client.Database(database).Collection(collection).FindOne(t.Context(), bson.D{}).Err()
		var refused mongo.CommandError
		const unauthorized = 13
		if !errors.As(err, &refused) || refused.Code != unauthorized {
			t.Errorf("reading %s.%s gives %v", database, collection, err)
		}
	}
}
