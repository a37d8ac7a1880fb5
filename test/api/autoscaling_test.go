package api

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/api/v1alpha1"
)

// scale does what the controller of autoscalers does.
func (w *world) scale(t *testing.T, name string, replicas int32) {
	t.Helper()
	scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: replicas}}
	d := get[appsv1.Deployment](t, w, name)
	w.must(t, w.SubResource("scale").Update(t.Context(), d, client.WithSubResourceBody(scale), client.FieldOwner("kube-controller-manager")))
}

func TestHandingOverToAnAutoscalerNeverResetsTheReplicas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := startOperator(t, defaultConfig, nil)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{Backend: v1alpha1.BackendSpec{Replicas: 5}})
	replicas := func() int32 { return ptr.Deref(get[appsv1.Deployment](t, w, "docs-backend").Spec.Replicas, -1) }
	// always passes until nothing is written, and looks after every pass.
	always := func(what string, want int32) {
		t.Helper()
		for {
			o.transport.taken()
			o.pass(t, key)
			if got := replicas(); got != want {
				t.Fatalf("%s: %d replicas, want %d", what, got, want)
			}
			if len(o.transport.taken()) == 0 {
				return
			}
		}
	}
	always("a fixed count", 5)
	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) {
		s.Backend.Replicas, s.Backend.Autoscaling = 0, &v1alpha1.AutoscalingSpec{MinReplicas: 2, MaxReplicas: 10}
	})
	always("handing over", 5)
	get[autoscalingv2.HorizontalPodAutoscaler](t, w, "docs-backend")
	w.scale(t, "docs-backend", 8)
	always("the autoscaler decides", 8)
	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.Backend.WorkerCount = 6 })
	always("an update while the autoscaler decides", 8)
	w.must(t, w.Delete(t.Context(), get[autoscalingv2.HorizontalPodAutoscaler](t, w, "docs-backend")))
	always("the autoscaler was deleted by somebody", 8)
	get[autoscalingv2.HorizontalPodAutoscaler](t, w, "docs-backend")

	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.Backend.Replicas, s.Backend.Autoscaling = 3, nil })
	always("back to a fixed count", 3)
	if exists[autoscalingv2.HorizontalPodAutoscaler](t, w, "docs-backend") {
		t.Error("the autoscaler is still there and would fight")
	}
	w.scale(t, "docs-backend", 9)
	always("somebody scales a fixed count", 3)
}

func TestAnAutoscaledBackendStartsWithItsLeastReplicas(t *testing.T) {
	w := newWorld(t)
	o := startOperator(t, defaultConfig, nil)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{
		Backend: v1alpha1.BackendSpec{Autoscaling: &v1alpha1.AutoscalingSpec{MinReplicas: 3, MaxReplicas: 10}},
	})
	o.settle(t, key)
	if got := ptr.Deref(get[appsv1.Deployment](t, w, "docs-backend").Spec.Replicas, -1); got != 3 {
		t.Errorf("%d replicas, want 3", got)
	}
}
