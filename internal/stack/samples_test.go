package stack_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/yaml"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/stack"
)

// The sample for a laptop promises in its first line what it takes.
func TestMinimalSampleTakesLessThanOneCPUAndTwoGibibytes(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "config", "samples", "minimal.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var sample v1alpha1.ChatPDFDeployment
	if err := yaml.UnmarshalStrict(raw, &sample); err != nil {
		t.Fatal(err)
	}
	content := candidate(sample.Spec)
	var cpu, memory resource.Quantity // what the scheduler sets aside, and what may be used at most
	for _, pods := range []struct {
		count    int32
		template *corev1ac.PodTemplateSpecApplyConfiguration
	}{
		{stack.MaxReplicas(sample.Spec.Backend), content.App.Backend},
		{stack.FrontendReplicas(sample.Spec.Frontend), content.App.Frontend},
		{stack.Members(sample.Spec), content.Database.Template},
	} {
		for range pods.count {
			for _, c := range slices.Concat(pods.template.Spec.InitContainers, pods.template.Spec.Containers) {
				cpu.Add(*c.Resources.Requests.Cpu())
				memory.Add(*c.Resources.Limits.Memory())
			}
		}
	}
	if cpu.Cmp(resource.MustParse("1")) >= 0 || memory.Cmp(resource.MustParse("2Gi")) >= 0 {
		t.Errorf("it requests %s CPU and may use %s of memory", cpu.String(), memory.String())
	}
	if cpu.IsZero() || memory.IsZero() {
		t.Error("nothing was added up")
	}
}
