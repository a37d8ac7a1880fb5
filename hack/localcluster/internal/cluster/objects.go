package cluster

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"text/template"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"chatpdf.dev/operator/hack/localcluster/internal/console"
	"chatpdf.dev/operator/hack/localcluster/internal/images"
	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

// manifests are the objects that make a bare API server a usable cluster: DNS,
// metrics, a default storage class.
//
//go:embed manifests
var manifests embed.FS

const pollEvery = 100 * time.Millisecond

// all are the manifests in the order in which they are applied.
var all = []string{"storage.yaml", "coredns.yaml", "metrics-server.yaml"}

// system are the manifests of a cluster.
func system(s spec.Spec) []string {
	if s.CSI {
		return append(slices.Clone(all), "csi.yaml")
	}
	return all
}

// apply creates or changes system objects; known are the names that CoreDNS
// answers besides the cluster's own. It is tried again for a while, because a
// fresh API server makes the namespaces that they live in a moment after it
// says that it is ready.
func apply(ctx context.Context, s spec.Spec, known names, files ...string) error {
	objects, err := render(s, known, files...)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(2 * pollEvery)
	defer tick.Stop()
	for {
		kubectl := exec.CommandContext(ctx, s.Program("kubectl"), "apply", "--server-side", "--force-conflicts",
			"--field-manager=localcluster", "--validate=ignore", "--filename=-", "--kubeconfig="+s.AdminKubeconfig())
		kubectl.Stdin = bytes.NewReader(objects)
		kubectl.Env = []string{"HOME=" + s.Dir}
		output, err := kubectl.CombinedOutput()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("creating the system objects: %w\n%s", errors.Join(ctx.Err(), err), strings.TrimSpace(string(output)))
		case <-tick.C:
		}
	}
}

// render fills in manifests and joins them to one stream.
func render(s spec.Spec, known names, files ...string) ([]byte, error) {
	parsed, err := template.New("").Option("missingkey=error").ParseFS(manifests, "manifests/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("reading the system objects: %w", err)
	}
	values := map[string]any{
		"CoreDNS": images.CoreDNS, "MetricsServer": images.MetricsServer, "DNSService": s.DNSService(), "Names": known,
		"Resolvers": min(2, s.Nodes),
	}
	var out bytes.Buffer
	for _, name := range files {
		out.WriteString("---\n")
		if err := parsed.ExecuteTemplate(&out, name, values); err != nil {
			return nil, fmt.Errorf("filling in the system objects: %w", err)
		}
	}
	return out.Bytes(), nil
}

// waiter looks at the cluster through its API server.
type waiter struct {
	spec   spec.Spec
	client *kubernetes.Clientset
}

func newWaiter(s spec.Spec) (waiter, error) {
	config, err := clientcmd.BuildConfigFromFlags("", s.AdminKubeconfig())
	if err != nil {
		return waiter{}, fmt.Errorf("reading the cluster's kubeconfig: %w", err)
	}
	config.Timeout = 10 * time.Second
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return waiter{}, fmt.Errorf("making a client of the cluster: %w", err)
	}
	return waiter{s, client}, nil
}

// until returns what looks again and again, until what it looks for is there.
func (w waiter) until(look func(context.Context) (seen string, there bool, err error)) func(context.Context, *console.Step) error {
	return func(ctx context.Context, shown *console.Step) error {
		ctx, cancel := context.WithTimeout(ctx, startTimeout)
		defer cancel()
		tick := time.NewTicker(pollEvery)
		defer tick.Stop()
		for {
			seen, there, err := look(ctx)
			shown.Report("%s", seen)
			if there {
				return nil
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%w; last seen: %s%s", errors.Join(ctx.Err(), err), seen, crashes(w.spec))
			case <-tick.C:
			}
		}
	}
}

func (w waiter) nodes(ctx context.Context) (string, bool, error) {
	nodes, err := w.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", false, err
	}
	ready := 0
	for _, node := range nodes.Items {
		if nodeReady(node) {
			ready++
		}
	}
	return fmt.Sprintf("%d of %d", ready, w.spec.Nodes), ready == w.spec.Nodes, nil
}

func nodeReady(node v1.Node) bool {
	for _, c := range node.Status.Conditions {
		if c.Type == v1.NodeReady {
			return c.Status == v1.ConditionTrue
		}
	}
	return false
}

func (w waiter) dns(ctx context.Context) (string, bool, error) {
	deployment, err := w.client.AppsV1().Deployments("kube-system").Get(ctx, "coredns", metav1.GetOptions{})
	if err != nil {
		return "", false, err
	}
	status := deployment.Status
	current := status.ObservedGeneration >= deployment.Generation && status.UpdatedReplicas == status.Replicas
	return fmt.Sprintf("%d replica(s)", status.AvailableReplicas), current && status.AvailableReplicas > 0, nil
}

func (w waiter) metrics(ctx context.Context) (string, bool, error) {
	answer, err := w.client.RESTClient().Get().AbsPath("/apis/metrics.k8s.io/v1beta1/nodes").DoRaw(ctx)
	if err != nil {
		return "not serving yet", false, err
	}
	nodes := strings.Count(string(answer), `"usage"`)
	return fmt.Sprintf("%d of %d nodes", nodes, w.spec.Nodes), nodes >= w.spec.Nodes, nil
}
