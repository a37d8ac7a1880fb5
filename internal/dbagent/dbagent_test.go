package dbagent_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chatpdf.dev/operator/internal/dbagent"
	"chatpdf.dev/operator/internal/dbagent/protocol"
	"chatpdf.dev/operator/internal/mongodb/podtest"
)

// patience bounds every wait for a real mongod.
const patience = time.Minute

func startPod(t *testing.T) (*podtest.Cluster, *podtest.Pod) {
	t.Helper()
	cluster := podtest.New(t, "docs", "ns", 1)
	cluster.Pods[0].Start(t)
	return cluster, cluster.Pods[0]
}

func request(pod *podtest.Pod) protocol.BootstrapRequest {
	return protocol.BootstrapRequest{PodUID: string(pod.UID()), MemberHost: pod.Host, ReplicaSet: "docs"}
}

// post calls the bootstrap endpoint and returns the status and the id or the reason.
func post(t *testing.T, cluster *podtest.Cluster, pod *podtest.Pod, token string, body any) (int, string) {
	t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+pod.AgentAddress()+protocol.BootstrapPath, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := cluster.AgentClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		protocol.BootstrapReply
		protocol.Refusal
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{cluster.AdminPassword, cluster.AgentToken, token} {
		if secret != "" && strings.Contains(answer.Reason, secret) {
			t.Errorf("the reason holds a secret: %s", answer.Reason)
		}
	}
	return response.StatusCode, answer.ReplicaSetID + answer.Reason
}

func get(t *testing.T, cluster *podtest.Cluster, pod *podtest.Pod, path string) (int, string) {
	t.Helper()
	response, err := cluster.AgentClient().Get("https://" + pod.AgentAddress() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestOnlyTheTokenForThisVeryPodInitiatesAndRepeatingIsSafe(t *testing.T) {
	cluster, pod := startPod(t)
	if status, state := get(t, cluster, pod, "/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(state, "unconfigured") {
		t.Errorf("readyz before: %d %s", status, state)
	}
	right := request(pod)
	other := func(change func(*protocol.BootstrapRequest)) protocol.BootstrapRequest {
		r := right
		change(&r)
		return r
	}
	for _, c := range []struct {
		name, token string
		body        any
		want        int
	}{
		{"a wrong token", "wrong", right, http.StatusUnauthorized},
		{"no token", "", right, http.StatusUnauthorized},
		{"a part of the token", cluster.AgentToken[:10], right, http.StatusUnauthorized},
		{"no request", cluster.AgentToken, "nonsense", http.StatusBadRequest},
		{"too much", cluster.AgentToken, strings.Repeat("x", 1<<20), http.StatusBadRequest},
		{"another pod", cluster.AgentToken, other(func(r *protocol.BootstrapRequest) { r.PodUID = "another" }), http.StatusConflict},
		{"another member", cluster.AgentToken, other(func(r *protocol.BootstrapRequest) { r.MemberHost = "another:27017" }), http.StatusConflict},
		{"another set", cluster.AgentToken, other(func(r *protocol.BootstrapRequest) { r.ReplicaSet = "another" }), http.StatusConflict},
	} {
		if status, reason := post(t, cluster, pod, c.token, c.body); status != c.want || reason == "" {
			t.Errorf("%s: %d %q, want %d", c.name, status, reason, c.want)
		}
	}
	if strings.Contains(pod.Log(), "replSetInitiate admin command") {
		t.Fatal("a refused request reached mongod")
	}

	began := time.Now()
	status, id := post(t, cluster, pod, cluster.AgentToken, right)
	if status != http.StatusOK || len(id) != 24 {
		t.Fatalf("bootstrap: %d %s", status, id)
	}
	t.Logf("bootstrap took %v", time.Since(began))
	if status, again := post(t, cluster, pod, cluster.AgentToken, right); status != http.StatusOK || again != id {
		t.Errorf("again: %d %s, want %s", status, again, id)
	}
	if status, state := get(t, cluster, pod, "/readyz"); status != http.StatusOK || state != "primary\n" {
		t.Errorf("readyz after: %d %s", status, state)
	}
	if _, metrics := get(t, cluster, pod, "/metrics"); !strings.Contains(metrics, "chatpdf_mongodb_up 1") ||
		!strings.Contains(metrics, `chatpdf_mongodb_member_state{set="docs",state="primary"} 1`) {
		t.Errorf("metrics:\n%s", metrics)
	}

	// The Secret is changed by hand: success is a login, so there is none.
	if err := cluster.WriteSecret("admin", "password", "another"); err != nil {
		t.Fatal(err)
	}
	if status, reason := post(t, cluster, pod, cluster.AgentToken, right); status != http.StatusConflict || !strings.Contains(reason, "refuses the password") {
		t.Errorf("another password: %d %s", status, reason)
	}
	if err := cluster.WriteSecret("token", "token", "new-token"); err != nil {
		t.Fatal(err)
	}
	if status, _ := post(t, cluster, pod, cluster.AgentToken, right); status != http.StatusUnauthorized {
		t.Errorf("the old token still opens: %d", status)
	}
}

func TestHelloSucceedsInEveryStateAndFailsInBoundedTimeOtherwise(t *testing.T) {
	cluster, pod := startPod(t)
	ask := func() (string, string, error) {
		return dbagent.Alive(t.Context(), pod.MongoDAddress(), filepath.Join(pod.RunDirectory(), "ca.crt"))
	}
	if state, warning, err := ask(); state != "unconfigured" || warning != "" || err != nil {
		t.Errorf("not initialised: %q %q %v", state, warning, err)
	}
	post(t, cluster, pod, cluster.AgentToken, request(pod))
	if state, warning, err := ask(); state != "primary" || warning != "" || err != nil {
		t.Errorf("primary: %q %q %v", state, warning, err)
	}
	// A certificate that is not trusted is no reason to restart a database.
	if state, warning, err := dbagent.Alive(t.Context(), pod.MongoDAddress(), "/nonexistent"); state != "primary" || warning == "" || err != nil {
		t.Errorf("without the CA: %q %q %v", state, warning, err)
	}
	pod.Freeze()
	if state, _, err := ask(); err == nil {
		t.Errorf("frozen: %q", state)
	}
	if _, metrics := get(t, cluster, pod, "/metrics"); !strings.Contains(metrics, "chatpdf_mongodb_up 0") {
		t.Errorf("metrics of a frozen mongod:\n%s", metrics)
	}
	if status, _ := get(t, cluster, pod, "/livez"); status != http.StatusOK {
		t.Errorf("the agent is not alive beside a frozen mongod: %d", status)
	}
	pod.Thaw()
	untilReady(t, cluster, pod)
	pod.KillMongoD(t)
	if _, _, err := ask(); err != nil {
		t.Errorf("just started again: %v", err)
	}
	untilReady(t, cluster, pod)
}

func untilReady(t *testing.T, cluster *podtest.Cluster, pod *podtest.Pod) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if status, _ := get(t, cluster, pod, "/readyz"); status == http.StatusOK {
			return
		}
	}
	t.Fatal("the member does not become ready again")
}

func TestReadinessKeepsOneConnection(t *testing.T) {
	cluster, pod := startPod(t)
	post(t, cluster, pod, cluster.AgentToken, request(pod))
	before := strings.Count(pod.Log(), `"Connection accepted"`)
	for range 50 {
		if status, _ := get(t, cluster, pod, "/readyz"); status != http.StatusOK {
			t.Fatalf("readyz: %d", status)
		}
	}
	if made := strings.Count(pod.Log(), `"Connection accepted"`) - before; made > 0 {
		t.Errorf("%d connections for 50 probes", made)
	}
}

func TestABrokenAgentLeavesMongodAlone(t *testing.T) {
	cluster, pod := startPod(t)
	post(t, cluster, pod, cluster.AgentToken, request(pod))
	started := strings.Count(pod.Log(), "MongoDB starting")
	for range 3 {
		pod.RestartAgent(t)
	}
	if _, _, err := dbagent.Alive(t.Context(), pod.MongoDAddress(), filepath.Join(pod.RunDirectory(), "ca.crt")); err != nil {
		t.Error(err)
	}
	if n := strings.Count(pod.Log(), "MongoDB starting"); n != started || n != 1 {
		t.Errorf("mongod was started %d times", n)
	}
	untilReady(t, cluster, pod)
}

func TestFilesAreForTheirOwnerAloneAndFollowTheSecrets(t *testing.T) {
	cluster := podtest.New(t, "docs", "ns", 1)
	run := t.TempDir()
	directories := cluster.Directories(run, t.TempDir())
	files, err := dbagent.NewFiles(directories)
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		t.Helper()
		path := filepath.Join(run, name)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o400 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	read("ca.crt")
	if pem := read("server.pem"); strings.Count(pem, "-----BEGIN") != 2 || !strings.Contains(pem, "PRIVATE KEY") {
		t.Error("server.pem is not a certificate and a key")
	}
	keyfile := read("keyfile")

	for _, bad := range []struct{ secret, key, value string }{
		{"keyfile", "keyfile", "short"},
		{"keyfile", "keyfile", strings.Repeat("not base64! ", 10)},
		{"keyfile", "keyfile", ""},
		{"tls", "tls.key", "no key"},
		{"tls", "ca.crt", "no certificate"},
	} {
		before, err := os.ReadFile(filepath.Join(cluster.SecretDirectory(bad.secret), bad.key))
		if err != nil {
			t.Fatal(err)
		}
		if err := cluster.WriteSecret(bad.secret, bad.key, bad.value); err != nil {
			t.Fatal(err)
		}
		if err := files.Refresh(); err == nil {
			t.Errorf("%s %q was taken", bad.key, bad.value)
		}
		if read("keyfile") != keyfile {
			t.Errorf("%s %q replaced what was good", bad.key, bad.value)
		}
		if err := cluster.WriteSecret(bad.secret, bad.key, string(before)); err != nil {
			t.Fatal(err)
		}
	}
	if err := cluster.WriteSecret("keyfile", "keyfile", "bmV3a2V5ZmlsZQ=="); err != nil {
		t.Fatal(err)
	}
	if err := files.Refresh(); err != nil || read("keyfile") != "bmV3a2V5ZmlsZQ==" {
		t.Errorf("the new keyfile was not taken: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(run, ".*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestTheCopyForMongodsProbesIsAWholeProgram(t *testing.T) {
	directory := t.TempDir()
	for range 2 { // a container that starts again finds the old copy
		if err := dbagent.CopyBinary(directory); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.Stat(self)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.Stat(filepath.Join(directory, "dbagent"))
	if err != nil || got.Size() != want.Size() || got.Mode().Perm() != 0o555 {
		t.Errorf("copy %v, %v", got, err)
	}
}

func TestTheAgentServesARenewedCertificateWithoutARestart(t *testing.T) {
	cluster := podtest.New(t, "docs", "ns", 1)
	files, err := dbagent.NewFiles(cluster.Directories(t.TempDir(), t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	old, err := files.Certificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.RenewCertificates(); err != nil {
		t.Fatal(err)
	}
	if err := files.Refresh(); err != nil {
		t.Fatal(err)
	}
	renewed, err := files.Certificate(nil)
	if err != nil || bytes.Equal(old.Certificate[0], renewed.Certificate[0]) {
		t.Errorf("the old certificate is served still: %v", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cluster.CA)
	leaf, err := x509.ParseCertificate(renewed.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: "localhost"}); err != nil {
		t.Error(err)
	}
}
