package api

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/stack"
)

// class makes a StorageClass; the name is the cluster's, so it carries that of the test's namespace.
func (w *world) class(t *testing.T, grows bool) string {
	t.Helper()
	class := &storagev1.StorageClass{
		ObjectMeta:  metav1.ObjectMeta{Name: w.namespace + "-class"},
		Provisioner: "example.com/disk", AllowVolumeExpansion: &grows,
	}
	w.must(t, w.Create(t.Context(), class))
	t.Cleanup(func() { w.Delete(context.Background(), class) }) //nolint:errcheck // the cluster ends with the tests
	return class.Name
}

// sizes are what the claims of the members ask for.
func (w *world) sizes(t *testing.T) map[string]string {
	t.Helper()
	asked := map[string]string{}
	for _, object := range w.lists(t)["PersistentVolumeClaim"] {
		claim := get[corev1.PersistentVolumeClaim](t, w, object.GetName())
		if claim.Labels[stack.LabelComponent] != stack.ComponentMongoDB {
			continue
		}
		size := claim.Spec.Resources.Requests[corev1.ResourceStorage]
		asked[claim.Name] = size.String()
	}
	return asked
}

func TestVolumesGrowWhileTheDatabaseRunsAndNeverShrink(t *testing.T) {
	w := newWorld(t)
	o := startOperator(t, defaultConfig, nil)
	storage := v1alpha1.StorageSpec{Size: quantity("10Gi"), StorageClassName: w.class(t, true)}
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Members: 3, Storage: storage}})
	o.settle(t, key)
	w.play(t, key)
	o.settle(t, key)
	templates := w.templates(t)

	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.Storage.Size = quantity("20Gi") })
	o.settle(t, key)
	for name, size := range w.sizes(t) {
		if size != "20Gi" {
			t.Errorf("%s asks for %s", name, size)
		}
	}
	if !equality.Semantic.DeepEqual(templates, w.templates(t)) {
		t.Error("a template changed: pods would be restarted")
	}
	if trouble := w.condition(t, key, v1alpha1.ConditionStalled); trouble.Status != "" {
		t.Errorf("stalled: %+v", trouble)
	}
	// A record on the claim, which the operator writes as another manager, does not take the size back.
	for name := range w.sizes(t) {
		claim := get[corev1.PersistentVolumeClaim](t, w, name)
		claim.Status.Capacity = claim.Spec.Resources.Requests
		w.must(t, w.Status().Update(t.Context(), claim))
	}
	o.settle(t, key)

	// A size that is too much for the driver may be taken back, to what the volumes have and no further.
	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.Storage.Size = quantity("2000Gi") })
	o.settle(t, key)
	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.Storage.Size = quantity("30Gi") })
	o.settle(t, key)
	for name, size := range w.sizes(t) {
		if size != "30Gi" {
			t.Errorf("%s asks for %s after the size was taken back", name, size)
		}
	}
	d := get[v1alpha1.ChatPDFDeployment](t, w, "docs")
	d.Spec.MongoDB.Storage.Size = quantity("19Gi")
	if err := w.Update(t.Context(), d); err == nil || !strings.Contains(err.Error(), "cannot shrink below what the volumes have") {
		t.Errorf("a size below that of the volumes: %v", err)
	}

	// A member that comes later has a claim by the StatefulSet's template, which nobody can change.
	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.Members = 5 })
	o.settle(t, key)
	w.play(t, key)
	if size := w.sizes(t)["data-docs-mongodb-4"]; size != "10Gi" {
		t.Fatalf("the claim of the new member asks for %s: is this test still needed?", size)
	}
	o.settle(t, key)
	for name, size := range w.sizes(t) {
		if size != "30Gi" {
			t.Errorf("%s asks for %s", name, size)
		}
	}
}

func TestAClassThatCannotGrowIsNamed(t *testing.T) {
	w := newWorld(t)
	o := startOperator(t, defaultConfig, nil)
	class := w.class(t, false)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Storage: v1alpha1.StorageSpec{StorageClassName: class}}})
	o.settle(t, key)
	w.play(t, key)
	o.settle(t, key)
	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.Storage.Size = quantity("20Gi") })
	o.settle(t, key)
	if size := w.sizes(t)["data-docs-mongodb-0"]; size != "10Gi" {
		t.Errorf("the claim asks for %s", size)
	}
	c := w.condition(t, key, v1alpha1.ConditionStalled)
	if c.Reason != "VolumeCannotGrow" || !strings.Contains(c.Message, class) || !strings.Contains(c.Message, "data-docs-mongodb-0") {
		t.Errorf("the condition is %+v", c)
	}
}
