//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"chatpdf.dev/operator/api/v1alpha1"
)

// sample reads a sample of config/samples for a namespace.
func sample(t *testing.T, name, namespace string) *v1alpha1.ChatPDFDeployment {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root(), "config", "samples", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var deployment v1alpha1.ChatPDFDeployment
	if err := yaml.UnmarshalStrict(raw, &deployment); err != nil {
		t.Fatal(err)
	}
	deployment.Namespace = namespace
	return &deployment
}

// create makes the resource and answers its key.
func create(t *testing.T, deployment *v1alpha1.ChatPDFDeployment) client.ObjectKey {
	t.Helper()
	if err := cluster.Create(t.Context(), deployment); err != nil {
		t.Fatal(err)
	}
	return client.ObjectKeyFromObject(deployment)
}

func ready(t *testing.T, key client.ObjectKey) {
	t.Helper()
	eventually(t, key.String()+" becomes Ready", condition(key, v1alpha1.ConditionReady, isTrue))
}

func handbook(t *testing.T) *os.File {
	t.Helper()
	file, err := os.Open(filepath.Join(root(), "docs", "samples", "handbook.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}
