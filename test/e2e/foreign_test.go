//go:build e2e

package e2e

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"chatpdf.dev/operator/hack/rig"
)

// foreign is a cluster that the demo knows nothing of but its kubeconfig.
var foreign = rig.Local{Name: "chatpdf-ext", Nodes: 1, Subnet: "10.203.0.0/24", PodCIDR: "10.247.0.0/16", ServiceCIDR: "10.99.0.0/16"}

// The demo installs itself on any cluster that a kubeconfig names, from images that it pushes to a
// registry, and removes all of it again.
func TestDemoRunsOnTheClusterOfTheKubeconfig(t *testing.T) {
	besideOthers(t)
	t.Cleanup(func() {
		if err := cluster.Checkout.Down(context.Background(), foreign.Name); err != nil {
			t.Error(err)
		}
	})
	other, err := cluster.Checkout.Bare(t.Context(), foreign, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	registry := "127.0.0.1:" + freePort(t)
	if err := other.Registry(t.Context(), registry); err != nil {
		t.Fatal(err)
	}
	demo := func(args ...string) (string, error) {
		command := exec.CommandContext(t.Context(), "go", append([]string{"run", "./hack/demo", "-cluster", "current"}, args...)...)
		command.Dir = root()
		command.Env = append(os.Environ(), "OPENAI_API_KEY=", "OPENAI_BASE_URL=",
			"KUBECONFIG="+other.Kubeconfig, "PATH="+filepath.Dir(other.Kubectl)+":"+os.Getenv("PATH"), "IMG_REGISTRY="+registry+"/team")
		output, err := command.CombinedOutput()
		return string(output), err
	}
	port := freePort(t)
	output, err := demo("-port", port)
	if lines := strings.Split(strings.TrimSpace(output), "\n"); err != nil || !strings.HasPrefix(lines[len(lines)-1], "demo ready in ") {
		t.Fatalf("%v\n%s", err, output)
	}
	if output, err := demo("-down", "-port", port); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	left, err := exec.CommandContext(t.Context(), other.Kubectl, "--kubeconfig", other.Kubeconfig,
		"get", "namespaces,customresourcedefinitions,clusterroles,clusterrolebindings", "-o", "name").Output()
	if err != nil || strings.Contains(string(left), "chatpdf") {
		t.Errorf("left after the demo: %s (%v)", left, err)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}
