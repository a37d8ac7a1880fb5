package cluster

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"chatpdf.dev/operator/hack/localcluster/internal/console"
	"chatpdf.dev/operator/hack/localcluster/internal/forward"
	"chatpdf.dev/operator/hack/localcluster/internal/images"
	"chatpdf.dev/operator/hack/localcluster/internal/proc"
	"chatpdf.dev/operator/hack/localcluster/internal/provisioner"
	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

func testCluster(t *testing.T) Cluster {
	return New("test", t.TempDir(), console.New(os.Stderr))
}

func TestRecordIsReadAsItWasWritten(t *testing.T) {
	c := testCluster(t)
	if _, err := c.load(); !errors.Is(err, ErrDown) {
		t.Errorf("without a record: %v", err)
	}
	if err := os.MkdirAll(c.Dir(), 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := proc.Identify(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	want := record{Box: self, Complete: true, Published: []Publication{{"a/b:80", "127.0.0.1:8080", self}}}
	if err := c.save(want); err != nil {
		t.Fatal(err)
	}
	got, err := c.load()
	if err != nil || got.Box != want.Box || !got.Complete || !slices.Equal(got.Published, want.Published) {
		t.Errorf("read %+v (%v), wrote %+v", got, err, want)
	}
}

func TestACommandOnNoClusterSaysHowToStartOne(t *testing.T) {
	c := testCluster(t)
	_, specErr := c.Spec()
	_, logErr := c.LogFile("etcd")
	_, relayErr := c.Relay(t.Context(), "api.openai.com:443")
	for _, err := range []error{specErr, logErr, c.Load(t.Context(), []string{"x.tar"}), c.Status(t.Context(), os.Stderr),
		c.Publish(t.Context(), "a/b:80", "127.0.0.1:8080"), relayErr} {
		if !errors.Is(err, ErrDown) || !strings.Contains(err.Error(), "localcluster up") {
			t.Errorf("got %v", err)
		}
	}
}

func TestDownKeepsItsHandsOffADirectoryThatIsNoClusters(t *testing.T) {
	c := testCluster(t)
	precious := filepath.Join(c.Dir(), "precious")
	if err := os.MkdirAll(precious, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := c.Down(t.Context()); err == nil {
		t.Error("down says that it took down what is no cluster")
	}
	if _, err := os.Stat(precious); err != nil {
		t.Errorf("it was removed: %v", err)
	}
}

func TestLogsAreFoundByTheEndOfTheirName(t *testing.T) {
	c := testCluster(t)
	s := spec.Spec{Dir: c.Dir()}
	for _, log := range []string{s.Log("etcd"), s.NodeLog(1, "kubelet"), s.NodeLog(2, "kubelet"), s.NodeLog(2, "ctr")} {
		if err := os.MkdirAll(filepath.Dir(log), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(log, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"etcd": s.Log("etcd"), "node1/kubelet": s.NodeLog(1, "kubelet"), "ctr": s.NodeLog(2, "ctr"),
	} {
		if got, err := c.LogFile(name); err != nil || got != want {
			t.Errorf("%s: %s (%v), want %s", name, got, err, want)
		}
	}
	for _, name := range []string{"kubelet", "nothing", "../spec"} {
		if got, err := c.LogFile(name); err == nil || !strings.Contains(err.Error(), "node1/kubelet") {
			t.Errorf("%s: %s (%v), which does not list the logs there are", name, got, err)
		}
	}
}

func TestTargetsOfImagesAreReadFromTheListing(t *testing.T) {
	const listing = `REF                           TYPE                                                 DIGEST                          SIZE     PLATFORMS   LABELS
docker.io/library/mongo:6.0.5 application/vnd.docker.distribution.manifest.v2+json sha256:48da 44.2 MiB linux/amd64 io.cri-containerd.image=managed
sha256:cb39                   application/vnd.docker.distribution.manifest.v2+json sha256:48da 44.2 MiB linux/amd64 io.cri-containerd.image=managed
`
	got := targets(listing)
	if len(got) != 2 || got["docker.io/library/mongo:6.0.5"] != "sha256:48da" || got["sha256:cb39"] != "sha256:48da" {
		t.Errorf("got %v", got)
	}
}

func TestSystemObjectsFitTheCluster(t *testing.T) {
	s := spec.Spec{ServiceCIDR: netip.MustParsePrefix("10.97.0.0/16")}
	rendered, err := render(s, nil, all...)
	if err != nil {
		t.Fatal(err)
	}
	var used []string
	for document := range strings.SplitSeq(string(rendered), "\n---\n") {
		var object struct {
			Kind        string
			Provisioner string
			Metadata    struct{ Name string }
		}
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		switch object.Kind {
		case "Deployment":
			var d appsv1.Deployment
			if err := yaml.UnmarshalStrict([]byte(document), &d); err != nil {
				t.Fatal(err)
			}
			used = append(used, d.Spec.Template.Spec.Containers[0].Image)
		case "Service":
			var service v1.Service
			if err := yaml.UnmarshalStrict([]byte(document), &service); err != nil {
				t.Fatal(err)
			}
			if service.Name == "kube-dns" && service.Spec.ClusterIP != s.DNSService().String() {
				t.Errorf("DNS is at %s, and pods ask %s", service.Spec.ClusterIP, s.DNSService())
			}
		case "StorageClass":
			if object.Provisioner != provisioner.Name {
				t.Errorf("the storage class names %s, and %s provisions", object.Provisioner, provisioner.Name)
			}
		}
	}
	slices.Sort(used)
	if want := []string{images.CoreDNS, images.MetricsServer}; !slices.Equal(used, want) {
		t.Errorf("the Deployments run %v, and the nodes have %v", used, want)
	}
}

func TestServersOutsideGetAddressesOfTheirOwnAndNamesOnlyIfTheyHaveOne(t *testing.T) {
	s := spec.Spec{Subnet: netip.MustParsePrefix("10.200.0.0/24"), ServiceCIDR: netip.MustParsePrefix("10.97.0.0/16")}
	var relays []Relay
	for i, target := range []string{"api.openai.com:443", "api.openai.com:8443", "models.example.com:443", "127.0.0.1:8000", "localhost:8000"} {
		server, err := forward.ParseOutside(target)
		if err != nil {
			t.Fatal(err)
		}
		relay, err := newRelay(s, server, relays)
		if err != nil {
			t.Fatal(err)
		}
		reached := []string{"api.openai.com:443", "api.openai.com:8443", "models.example.com:443", "10.200.0.251:8000", "10.200.0.250:8000"}[i]
		if relay.reached() != reached {
			t.Errorf("%s is reached by %s, want %s", target, relay.reached(), reached)
		}
		relays = append(relays, relay)
	}
	rendered, err := render(s, namesOf(relays), "coredns.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`answer "{{ .Name }} 5 IN A 10.200.0.253"`, `answer "{{ .Name }} 5 IN A 10.200.0.252"`, "    models.example.com {\n", `map[api.openai.com:10.200.0.253 models.example.com:10.200.0.252]`,
	} {
		if !strings.Contains(string(rendered), want) {
			t.Errorf("%q is not in\n%s", want, rendered)
		}
	}
	for range spec.MaxRelays {
		relay, err := newRelay(s, forward.Outside{Host: "127.0.0.1", Port: 9000}, relays)
		if err != nil {
			if distinct := len(relays) - 1; distinct != spec.MaxRelays || !strings.Contains(err.Error(), "the most") {
				t.Errorf("with %d addresses in use: %v", distinct, err)
			}
			return
		}
		relays = append(relays, relay)
	}
	t.Errorf("no limit was met with %d relays", len(relays))
}
