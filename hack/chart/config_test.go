package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"chatpdf.dev/operator/api/v1alpha1"
)

func kustomize(t *testing.T, directory string) []runtime.Object {
	t.Helper()
	command := exec.CommandContext(t.Context(), tool(t, "kustomize"), "build", filepath.Join(root, "config", directory))
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("kustomize build %s: %v", directory, err)
	}
	return decode(t, string(out))
}

func TestEveryKustomizationBuilds(t *testing.T) {
	directories, err := filepath.Glob(filepath.Join(root, "config/*/kustomization.yaml"))
	if err != nil || len(directories) == 0 {
		t.Fatalf("no kustomization: %v", err)
	}
	for _, directory := range directories {
		if objects := kustomize(t, filepath.Base(filepath.Dir(directory))); len(objects) == 0 {
			t.Errorf("%s makes nothing", directory)
		}
	}
}

// Two ways to install must not become two operators.
func TestKustomizeAndChartInstallTheSameOperator(t *testing.T) {
	ours := only[*appsv1.Deployment](t, kustomize(t, "default")).Spec.Template
	theirs := only[*appsv1.Deployment](t, render(t, "")).Spec.Template
	checkRestricted(t, &ours)

	our, their := ours.Spec.Containers[0], theirs.Spec.Containers[0]
	if our.Image != their.Image {
		t.Errorf("kustomize runs %s, the chart runs %s", our.Image, their.Image)
	}
	images := only[*corev1.ConfigMap](t, kustomize(t, "default"))
	if our.EnvFrom[0].ConfigMapRef.Name != images.Name {
		t.Errorf("the pod reads the ConfigMap %s, the images are in %s", our.EnvFrom[0].ConfigMapRef.Name, images.Name)
	}
	for _, variable := range their.Env {
		if got := images.Data[variable.Name]; got != variable.Value {
			t.Errorf("%s: kustomize has %q, the chart has %q", variable.Name, got, variable.Value)
		}
	}
	if our.Resources.String() != their.Resources.String() {
		t.Errorf("resources: kustomize has %v, the chart has %v", our.Resources, their.Resources)
	}
	if our.LivenessProbe.String() != their.LivenessProbe.String() || our.ReadinessProbe.String() != their.ReadinessProbe.String() {
		t.Error("kustomize and the chart probe differently")
	}
	if ours.Spec.SecurityContext.String() != theirs.Spec.SecurityContext.String() || our.SecurityContext.String() != their.SecurityContext.String() {
		t.Error("kustomize and the chart have different security contexts")
	}
}

func TestSamplesUseOnlyFieldsThatExist(t *testing.T) {
	samples := all[*v1alpha1.ChatPDFDeployment](kustomize(t, "samples"))
	if len(samples) < 2 {
		t.Fatalf("got %d samples", len(samples))
	}
}
