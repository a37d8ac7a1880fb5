//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/hack/rig"
	"chatpdf.dev/operator/internal/frontdoor"
)

// soon is how long the cluster may take for one thing that a test waits for.
const soon = 4 * time.Minute

// testCluster is the cluster with a client of its API.
type testCluster struct {
	rig.Cluster
	client.Client
	config *rest.Config
}

func newTestCluster(rigged rig.Cluster) (*testCluster, error) {
	// The client's own log is of no use here, and controller-runtime insists on being given one.
	log.SetLogger(logr.Discard())
	config, err := clientcmd.BuildConfigFromFlags("", rigged.Kubeconfig)
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, err
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	return &testCluster{Cluster: rigged, Client: c, config: config}, err
}

// diagnose prints what the operator's namespace looks like.
func diagnose(ctx context.Context, rigged rig.Cluster) error {
	for _, args := range [][]string{
		{"get", "pods", "-A", "-o", "wide"},
		{"get", "events", "-A", "--sort-by=.lastTimestamp"},
		{"-n", rig.OperatorNamespace, "logs", "-l", "app.kubernetes.io/name=chatpdf-operator", "--tail=100"},
	} {
		command := exec.CommandContext(ctx, rigged.Kubectl, append([]string{"--kubeconfig", rigged.Kubeconfig}, args...)...)
		command.Stdout, command.Stderr = os.Stderr, os.Stderr
		if err := command.Run(); err != nil {
			return fmt.Errorf("kubectl %v: %w", args, err)
		}
	}
	return nil
}

// eventually polls until check answers nil, and fails the test with its last answer at the deadline.
func eventually(t *testing.T, what string, check func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			if t.Context().Err() == nil {
				if problem := diagnose(t.Context(), cluster.Cluster); problem != nil {
					t.Log(problem)
				}
			}
			t.Fatalf("%s: %v", what, err)
		case <-tick.C:
		}
	}
}

// namespace makes a namespace that admits only restricted pods, and removes it with its volumes when
// the test ends.
func namespace(t *testing.T, name string) string {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}}}
	if err := cluster.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if os.Getenv("E2E_KEEP") != "" && t.Failed() {
			return
		}
		if err := cluster.Delete(context.Background(), ns); err != nil {
			t.Errorf("removing namespace %s: %v", name, err)
		}
	})
	return name
}

// condition answers nil once the resource has, for its current generation, a condition of that type
// that the check accepts.
func condition(key client.ObjectKey, conditionType string, accept func(metav1.Condition) error) func(context.Context) error {
	return func(ctx context.Context) error {
		var deployment v1alpha1.ChatPDFDeployment
		if err := cluster.Get(ctx, key, &deployment); err != nil {
			return err
		}
		if deployment.Status.ObservedGeneration != deployment.Generation {
			return fmt.Errorf("generation %d is not observed yet", deployment.Generation)
		}
		found := meta.FindStatusCondition(deployment.Status.Conditions, conditionType)
		if found == nil {
			return fmt.Errorf("no condition %s in %v", conditionType, deployment.Status.Conditions)
		}
		return accept(*found)
	}
}

func isTrue(c metav1.Condition) error {
	if c.Status != metav1.ConditionTrue {
		return fmt.Errorf("%s is %s, %s: %s", c.Type, c.Status, c.Reason, c.Message)
	}
	return nil
}

// door opens the front door of a ChatPDF at its Service, signed in as the first administrator.
func door(t *testing.T, key client.ObjectKey) *frontdoor.Client {
	t.Helper()
	return doorOf(t, key, adminPassword(t, key))
}

// doorOf does so with a password.
func doorOf(t *testing.T, key client.ObjectKey, password string) *frontdoor.Client {
	t.Helper()
	var service corev1.Service
	if err := cluster.Get(t.Context(), client.ObjectKey{Namespace: key.Namespace, Name: key.Name + "-frontend"}, &service); err != nil {
		t.Fatal(err)
	}
	opened, err := frontdoor.New("http://" + service.Spec.ClusterIP)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "signing in", func(ctx context.Context) error { return opened.SignIn(ctx, "admin", password) })
	return opened
}

func adminPassword(t *testing.T, key client.ObjectKey) string {
	t.Helper()
	var secret corev1.Secret
	if err := cluster.Get(t.Context(), client.ObjectKey{Namespace: key.Namespace, Name: key.Name + "-admin"}, &secret); err != nil {
		t.Fatal(err)
	}
	return string(secret.Data["password"])
}
