package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"chatpdf.dev/operator/api/v1alpha1"
)

// apiServer starts a real kube-apiserver and etcd for one test.
func apiServer(t *testing.T) (client.Client, string) {
	t.Helper()
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Skip("needs kube-apiserver and etcd: set KUBEBUILDER_ASSETS to their directory")
	}
	environment := &envtest.Environment{ControlPlaneStartTimeout: 3 * time.Minute, ControlPlaneStopTimeout: time.Minute}
	config, err := environment.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := environment.Stop(); err != nil {
			t.Errorf("stopping kube-apiserver and etcd: %v", err)
		}
	})
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, environment.KubeConfig, 0o600); err != nil {
		t.Fatal(err)
	}
	return c, kubeconfig
}

// onCluster runs helm against a cluster.
func onCluster(t *testing.T, kubeconfig string, arguments ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), tool(t, "helm"), append(arguments, "--namespace", releaseNamespace)...)
	command.Env = []string{"HOME=" + t.TempDir(), "KUBECONFIG=" + kubeconfig, "PATH=" + os.Getenv("PATH")}
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("helm %v: %v\n%s", arguments, err, out)
	}
}

func TestInstallUpgradeAndUninstallLeaveTheResources(t *testing.T) {
	c, kubeconfig := apiServer(t)
	onCluster(t, kubeconfig, "install", releaseName, chart, "--create-namespace")
	onCluster(t, kubeconfig, "upgrade", releaseName, chart, "--set", "replicaCount=2,podDisruptionBudget.enabled=true")
	for _, sample := range all[*v1alpha1.ChatPDFDeployment](kustomize(t, "samples")) {
		sample.Namespace = metav1.NamespaceDefault
		create(t, c, sample)
	}
	onCluster(t, kubeconfig, "uninstall", releaseName)

	var left v1alpha1.ChatPDFDeploymentList
	if err := c.List(t.Context(), &left); err != nil || len(left.Items) != 2 {
		t.Errorf("%d ChatPDFDeployments are left after the chart was uninstalled: %v", len(left.Items), err)
	}
	// A second install takes over the CRDs that were kept.
	onCluster(t, kubeconfig, "install", releaseName, chart)
}

// create retries while the API server does not serve a CRD yet that it has just been given.
func create(t *testing.T, c client.Client, object client.Object) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		last = c.Create(ctx, object)
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("creating %s: %v: %v", object.GetName(), err, last)
	}
}

func TestRightsOnARealAPIServer(t *testing.T) {
	c, kubeconfig := apiServer(t)
	for _, name := range []string{"team-a", "team-b"} {
		if err := c.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			t.Fatal(err)
		}
	}
	onCluster(t, kubeconfig, "install", releaseName, chart, "--create-namespace", "--set", "watch.namespaces={team-a}")
	for _, test := range []struct {
		namespace, group, resource, verb, name string
		allowed                                bool
	}{
		{"team-a", "chatpdf.dev", "chatpdfdeployments", "list", "", true},
		{"team-a", "", "secrets", "get", "docs-admin", true},
		{"team-a", "", "secrets", "create", "", true},
		{"team-a", "", "secrets", "list", "", false},
		{"team-a", "", "secrets", "patch", "docs-admin", false},
		{"team-a", "", "secrets", "delete", "docs-admin", false},
		{"team-a", "", "pods", "create", "", false},
		{"team-b", "chatpdf.dev", "chatpdfdeployments", "list", "", false},
		{"team-b", "", "secrets", "get", "docs-admin", false},
		{releaseNamespace, "", "secrets", "get", "anything", false},
		{releaseNamespace, "coordination.k8s.io", "leases", "update", "chatpdf-operator", true},
		{releaseNamespace, "coordination.k8s.io", "leases", "update", "another", false},
		{"", "authentication.k8s.io", "tokenreviews", "create", "", true},
		{"", "storage.k8s.io", "storageclasses", "list", "", true},
	} {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User:   "system:serviceaccount:" + releaseNamespace + ":" + releaseName,
			Groups: []string{"system:serviceaccounts", "system:authenticated"},
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: test.namespace, Group: test.group, Resource: test.resource, Verb: test.verb, Name: test.name,
			},
		}}
		if err := c.Create(t.Context(), review); err != nil {
			t.Fatal(err)
		}
		if review.Status.Allowed != test.allowed {
			t.Errorf("%s %s.%s %q in %q: allowed is %t", test.verb, test.resource, test.group, test.name, test.namespace, review.Status.Allowed)
		}
	}
}
