package dbagent_test

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"chatpdf.dev/operator/internal/dbagent"
	"chatpdf.dev/operator/internal/dbagent/protocol"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/podtest"
)

// TestAMemberThatIsFencedStartsNoMongodUntilItIsReleased follows one pod through being named among those that are fenced, a restart,
// and being left out again.
func TestAMemberThatIsFencedStartsNoMongodUntilItIsReleased(t *testing.T) {
	cluster, pod := startEager(t)
	record := func(fenced string) {
		t.Helper()
		if err := cluster.WriteSecret("fence", mongodb.KeyFenced, fenced); err != nil {
			t.Fatal(err)
		}
	}
	record("docs-mongodb-1 docs-mongodb-10")
	record("docs-mongodb-1 docs-mongodb-0")
	until(t, "the agent's word", func() bool { return report(t, cluster, pod).Fenced })
	if serial(t, pod) == "" {
		t.Error("a mongod that runs was stopped")
	}
	pod.Delete()
	pod.Start(t)
	if !report(t, cluster, pod).Fenced || pod.MongoDRuns() {
		t.Error("mongod runs in a new pod of a fenced member")
	}
	record("docs-mongodb-1")
	until(t, "mongod", pod.MongoDRuns)
	if report(t, cluster, pod).Fenced || !dbagent.JustReleased(pod.RunDirectory()) {
		t.Error("it runs, and is called fenced still, or not released")
	}
	if !report(t, cluster, pod).Fences {
		t.Error("the agent says that it cannot keep mongod from running")
	}
	if err := os.RemoveAll(cluster.SecretDirectory("fence")); err != nil {
		t.Fatal(err)
	}
	if report(t, cluster, pod).Fences {
		t.Error("the agent of a pod that mounts no record says that it can keep mongod from running")
	}
}

func report(t *testing.T, cluster *podtest.Cluster, pod *podtest.Pod) (said protocol.Report) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+pod.AgentAddress()+protocol.ReportPath, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := cluster.AgentClient().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&said); err != nil {
		t.Fatal(err)
	}
	return said
}
