package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"chatpdf.dev/operator/api/v1alpha1"
)

// process is the operator's binary, run by a user who may do what its role says and nothing else.
type process struct {
	command *exec.Cmd
	ended   chan error
	log     string
	probe   string // address
	metrics string // address
}

func startProcess(t *testing.T, w *world) *process {
	t.Helper()
	directory := t.TempDir()
	binary := filepath.Join(directory, "manager")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "chatpdf.dev/operator").CombinedOutput(); err != nil {
		t.Fatalf("building the operator: %v\n%s", err, out)
	}
	p := &process{ended: make(chan error, 1), log: filepath.Join(directory, "log"), probe: freeAddress(t), metrics: freeAddress(t)}
	log, err := os.Create(p.log)
	w.must(t, err)
	defer log.Close()
	p.command = exec.Command(binary, "--leader-elect", "--leader-elect-namespace="+w.namespace, "--watch-namespaces="+w.namespace,
		"--health-probe-bind-address="+p.probe, "--metrics-bind-address="+p.metrics, "--app-image=registry.example.com/chatpdf:1.0.0")
	p.command.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig(t, w, directory))
	p.command.Stdout, p.command.Stderr = log, log
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	w.must(t, p.command.Start())
	go func() { p.ended <- p.command.Wait() }()
	t.Cleanup(func() {
		p.command.Process.Kill() //nolint:errcheck // it may have ended
		if t.Failed() {
			content, _ := os.ReadFile(p.log)
			t.Logf("the operator's log:\n%s", content)
		}
	})
	return p
}

// kubeconfig is for a user with the operator's role, bound in its own namespace for the Lease.
func kubeconfig(t *testing.T, w *world, directory string) string {
	t.Helper()
	user := "operator-" + w.namespace
	subject := []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}}
	role, asker, election := &rbacv1.ClusterRole{}, &rbacv1.ClusterRole{}, &rbacv1.Role{}
	w.read(t, filepath.Join("config", "rbac", "role.yaml"), role)
	w.read(t, filepath.Join("config", "rbac", "metrics_auth_role.yaml"), asker)
	w.read(t, filepath.Join("config", "rbac", "leader_election_role.yaml"), election)
	role.Name, asker.Name, election.Namespace = user, user+"-metrics", w.namespace
	binding := func(name string) *rbacv1.ClusterRoleBinding {
		return &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name}, Subjects: subject,
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name}}
	}
	for _, object := range []client.Object{
		role, asker, election, binding(role.Name), binding(asker.Name),
		&rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: user}, Subjects: subject, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: election.Name}},
	} {
		w.must(t, w.Create(t.Context(), object))
	}
	config := rest.CopyConfig(cluster.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user}
	file := filepath.Join(directory, "kubeconfig")
	w.must(t, clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"c": {Server: config.Host, CertificateAuthorityData: config.CAData}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{"u": {
			ClientCertificateData: config.CertData, ClientKeyData: config.KeyData, Impersonate: user,
		}},
		Contexts: map[string]*clientcmdapi.Context{"x": {Cluster: "c", AuthInfo: "u"}}, CurrentContext: "x",
	}, file))
	return file
}

// read reads one object that users install.
func (w *world) read(t *testing.T, path string, object any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", path))
	w.must(t, err)
	w.must(t, yaml.Unmarshal(content, object))
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// eventually waits for what another process does.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("gave up waiting for %s", what)
		}
	}
}

func (p *process) answers(t *testing.T, url string) int {
	t.Helper()
	c := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	response, err := c.Get(url)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}

func TestTheBinaryWorksWithTheRightsOfItsRoleAlone(t *testing.T) {
	w := newWorld(t)
	p := startProcess(t, w)
	eventually(t, "readiness", func() bool { return p.answers(t, "http://"+p.probe+"/readyz") == http.StatusOK })
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Members: 3}, Backend: v1alpha1.BackendSpec{
		Autoscaling: &v1alpha1.AutoscalingSpec{MinReplicas: 2, MaxReplicas: 4},
	}})
	w.wakes(t, key)
	w.isQuiet(t)
	if status := p.answers(t, "https://"+p.metrics+"/metrics"); status != http.StatusUnauthorized {
		t.Errorf("metrics for nobody in particular: %d", status)
	}
	content, err := os.ReadFile(p.log)
	w.must(t, err)
	for line := range strings.Lines(string(content)) {
		if strings.Contains(line, "forbidden") {
			t.Errorf("its role lacks a right: %s", line)
		}
	}
	t.Logf("resident memory: %s", p.resident(t))

	w.must(t, p.command.Process.Signal(syscall.SIGTERM))
	if err := <-p.ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	lease := get[coordinationv1.Lease](t, w, "chatpdf-operator")
	if holder := ptr.Deref(lease.Spec.HolderIdentity, ""); holder != "" {
		t.Errorf("the Lease is still held by %s", holder)
	}
}

// wakes proves that the operator hears of everything that it has to answer to.
func (w *world) wakes(t *testing.T, key types.NamespacedName) {
	t.Helper()
	eventually(t, "the first pass", func() bool { return exists[appsv1.Deployment](t, w, "docs-frontend") })
	for what, object := range map[string]client.Object{
		"Service": get[corev1.Service](t, w, "docs-backend"), "Deployment": get[appsv1.Deployment](t, w, "docs-backend"),
		"StatefulSet": get[appsv1.StatefulSet](t, w, "docs-mongodb"),
	} {
		w.must(t, w.Delete(t.Context(), object))
		again := object.DeepCopyObject().(client.Object) //nolint:forcetypeassert // a copy of one
		eventually(t, what+" to come back", func() bool { return w.Get(t.Context(), client.ObjectKeyFromObject(object), again) == nil })
	}
	w.play(t, key)
	eventually(t, "the backend to be available", func() bool {
		return w.condition(t, key, v1alpha1.ConditionBackendAvailable).Status == "True"
	})
	// The operator may be writing the status at the same moment.
	w.must(t, retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		wiped := get[v1alpha1.ChatPDFDeployment](t, w, "docs")
		wiped.Status = v1alpha1.ChatPDFDeploymentStatus{ObservedGeneration: -1}
		return w.Status().Update(t.Context(), wiped)
	}))
	eventually(t, "a wiped status to come back", func() bool {
		return w.condition(t, key, v1alpha1.ConditionBackendAvailable).Status == "True"
	})
	pod := get[corev1.Pod](t, w, "docs-mongodb-1")
	pod.Status.ContainerStatuses[0].Ready = false
	pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "no such host"}}
	w.must(t, w.Status().Update(t.Context(), pod))
	eventually(t, "the pod's trouble in a condition", func() bool {
		c := w.condition(t, key, v1alpha1.ConditionDatabaseAvailable)
		return strings.Contains(c.Message, "docs-mongodb-1") && strings.Contains(c.Message, "no such host")
	})
	eventually(t, "an event", func() bool {
		var events corev1.EventList
		w.must(t, w.List(t.Context(), &events, client.InNamespace(w.namespace)))
		return strings.Contains(fmt.Sprint(events.Items), "no such host")
	})
}

// isQuiet wakes the operator without a reason until it has made more passes, which is seen by the
// Secrets that each of them reads, and counts what the API server was asked to write meanwhile.
func (w *world) isQuiet(t *testing.T) {
	t.Helper()
	const passes, secrets = 5, 8
	more := func() (written int) {
		before, read := w.requests(t)
		eventually(t, "more passes", func() bool {
			pod := get[corev1.Pod](t, w, "docs-mongodb-0")
			metav1.SetMetaDataAnnotation(&pod.ObjectMeta, "touched", time.Now().String())
			w.must(t, w.Update(t.Context(), pod))
			_, now := w.requests(t)
			return now >= read+passes*secrets
		})
		after, _ := w.requests(t)
		return after - before
	}
	// The watcher has looked where the pods are now: its first look came before they had an address, and nobody answers there.
	eventually(t, "a look at the members", func() bool {
		healthy := w.condition(t, w.key("docs"), v1alpha1.ConditionDatabaseHealthy).Message
		return strings.Contains(healthy, "docs-mongodb-0 does not answer") && !strings.Contains(healthy, "its pod")
	})
	eventually(t, "passes that write nothing", func() bool { return more() == 0 })
	if written := more(); written > 0 {
		t.Errorf("the operator wrote %d times at steady state", written)
	}
}

// requests counts all requests to write since the API server started, apart from the test's own and
// from renewing the Lease, and those to read a Secret.
func (w *world) requests(t *testing.T) (writes, secrets int) {
	t.Helper()
	config := rest.CopyConfig(cluster.config)
	config.GroupVersion, config.NegotiatedSerializer = &corev1.SchemeGroupVersion, serializer.NewCodecFactory(cluster.scheme)
	c, err := rest.RESTClientFor(config)
	w.must(t, err)
	text, err := c.Get().AbsPath("/metrics").DoRaw(t.Context())
	w.must(t, err)
	families, err := new(expfmt.NewTextParser(model.UTF8Validation)).TextToMetricFamilies(bytes.NewReader(text))
	w.must(t, err)
	for _, metric := range families["apiserver_request_total"].GetMetric() {
		labels := map[string]string{}
		for _, label := range metric.GetLabel() {
			labels[label.GetName()] = label.GetValue()
		}
		n := int(metric.GetCounter().GetValue())
		switch reads := slices.Contains([]string{"GET", "LIST", "WATCH", "CONNECT"}, labels["verb"]); {
		case labels["verb"] == "GET" && labels["resource"] == "secrets":
			secrets += n
		case !reads && labels["resource"] != "pods" && labels["resource"] != "leases":
			writes += n
		}
	}
	return writes, secrets
}

// resident is the memory that the process takes.
func (p *process) resident(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(content)) {
		if size, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strings.TrimSpace(size)
		}
	}
	return "unknown"
}
