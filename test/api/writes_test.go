package api

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/api/v1alpha1"
)

// everything sets every field there is, in notations that the API server normalises.
func everything() v1alpha1.ChatPDFDeploymentSpec {
	resources := v1alpha1.ResourcesSpec{
		Requests: v1alpha1.ResourceQuantities{CPU: quantity("0.5"), Memory: quantity("1024Mi")},
		Limits:   v1alpha1.ResourceQuantities{CPU: quantity("2000m"), Memory: quantity("2147483648")},
	}
	return v1alpha1.ChatPDFDeploymentSpec{
		Image: "registry.example.com/chatpdf:2.0.0",
		LLM: v1alpha1.LLMSpec{
			BaseURL: "https://llm.example.com/v1", ChatModel: "large", EmbeddingModel: "small",
			APIKeySecretRef: &v1alpha1.SecretKeyRef{Name: "openai", Key: "api-key"},
		},
		Backend: v1alpha1.BackendSpec{
			Autoscaling: &v1alpha1.AutoscalingSpec{MinReplicas: 3, MaxReplicas: 9, CPUUtilization: 55},
			Resources:   resources, WorkerCount: 4, MaxConnections: 50, TimeoutSeconds: 60,
			Log: v1alpha1.LogSpec{Level: "DEBUG", Format: "text"},
		},
		Frontend:      v1alpha1.FrontendSpec{Replicas: 3, Resources: resources},
		RequestLimits: v1alpha1.RequestLimitsSpec{MaxFileSize: quantity("1e7"), RequestsPerMinute: 7, RequestsPerSecond: 5, Burst: 9},
		MongoDB: v1alpha1.MongoDBSpec{
			Members: 3, Image: "docker.io/library/mongo:7.0.1", Resources: resources,
			Storage: v1alpha1.StorageSpec{Size: quantity("20Gi"), StorageClassName: "fast"},
		},
	}
}

func quantity(s string) *resource.Quantity { return new(resource.MustParse(s)) }

func TestASecondPassWritesNothing(t *testing.T) {
	for name, spec := range map[string]v1alpha1.ChatPDFDeploymentSpec{
		"empty":      {},
		"everything": everything(),
		"smallest": {
			Backend: v1alpha1.BackendSpec{Replicas: 1}, Frontend: v1alpha1.FrontendSpec{Replicas: 1}, MongoDB: v1alpha1.MongoDBSpec{Members: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			o := startOperator(t, defaultConfig, nil)
			key := w.deployment(t, "docs", spec)
			o.pass(t, key)
			if len(o.transport.taken()) == 0 {
				t.Fatal("the first pass wrote nothing")
			}
			w.play(t, key)
			o.calm(t, key)
			for range 5 {
				o.pass(t, key)
			}
			if writes := o.transport.taken(); len(writes) > 0 {
				t.Errorf("passes over an unchanged deployment wrote %q", writes)
			}
		})
	}
}

func TestWhatOthersChangeIsPutRight(t *testing.T) {
	w := newWorld(t)
	o := startOperator(t, defaultConfig, nil)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	o.settle(t, key)

	deployment := get[appsv1.Deployment](t, w, "docs-backend")
	wanted := deployment.DeepCopy()
	deployment.Spec.Template.Spec.Containers[0].Image = "registry.example.com/other:1"
	deployment.Spec.Template.Spec.AutomountServiceAccountToken = new(true)
	deployment.Spec.Replicas = ptr.To[int32](7)
	deployment.Labels["team"] = "search"
	w.must(t, w.Update(t.Context(), deployment))
	w.must(t, w.Delete(t.Context(), get[corev1.Service](t, w, "docs-backend")))
	set := get[appsv1.StatefulSet](t, w, "docs-mongodb")
	set.Spec.UpdateStrategy.Type = appsv1.RollingUpdateStatefulSetStrategyType
	w.must(t, w.Update(t.Context(), set))

	o.settle(t, key)
	deployment = get[appsv1.Deployment](t, w, "docs-backend")
	if !equality.Semantic.DeepEqual(deployment.Spec, wanted.Spec) {
		t.Errorf("the Deployment is %+v, want %+v", deployment.Spec, wanted.Spec)
	}
	if deployment.Labels["team"] != "search" {
		t.Error("a label that the operator does not own is gone")
	}
	get[corev1.Service](t, w, "docs-backend")
	if kind := get[appsv1.StatefulSet](t, w, "docs-mongodb").Spec.UpdateStrategy.Type; kind != appsv1.OnDeleteStatefulSetStrategyType {
		t.Errorf("the StatefulSet restarts members by %s", kind)
	}
}

func TestABudgetThatIsNoLongerWantedIsDeleted(t *testing.T) {
	w := newWorld(t)
	o := startOperator(t, defaultConfig, nil)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	stranger := &policyv1.PodDisruptionBudget{}
	stranger.Namespace, stranger.Name = w.namespace, "stranger"
	stranger.Labels = map[string]string{"app.kubernetes.io/instance": "docs", "app.kubernetes.io/managed-by": "chatpdf-operator"}
	w.must(t, w.Create(t.Context(), stranger))
	o.settle(t, key)
	get[policyv1.PodDisruptionBudget](t, w, "docs-frontend")
	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.Frontend.Replicas = 1 })
	o.settle(t, key)
	if exists[policyv1.PodDisruptionBudget](t, w, "docs-frontend") {
		t.Error("one pod still has a budget, which can only block a drain")
	}
	get[policyv1.PodDisruptionBudget](t, w, "docs-backend")
	get[policyv1.PodDisruptionBudget](t, w, "stranger") // carries the labels, but nobody's ownership
}

func TestASuspendedDeploymentIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	o := startOperator(t, defaultConfig, nil)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	o.settle(t, key)
	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) {
		s.Suspend = new(true)
		s.Backend.WorkerCount = 7
	})
	w.must(t, w.Delete(t.Context(), get[corev1.Service](t, w, "docs-frontend")))
	o.transport.taken()
	o.pass(t, key)
	writes := o.transport.taken()
	if len(writes) != 1 || writes[0] != "PATCH /apis/chatpdf.dev/v1alpha1/namespaces/"+w.namespace+"/chatpdfdeployments/docs/status" {
		t.Errorf("wrote %q, want the status alone", writes)
	}
	if c := w.condition(t, key, v1alpha1.ConditionSuspended); c.Status != "True" {
		t.Errorf("Suspended is %+v", c)
	}
	if c := w.condition(t, key, v1alpha1.ConditionReconciling); c.Status != "" {
		t.Errorf("Reconciling still stands: %+v", c)
	}
	o.pass(t, key)
	if writes := o.transport.taken(); len(writes) > 0 {
		t.Errorf("the second pass wrote %q", writes)
	}
	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.Suspend = nil })
	o.settle(t, key)
	get[corev1.Service](t, w, "docs-frontend")
	if c := w.condition(t, key, v1alpha1.ConditionSuspended); c.Status != "" {
		t.Errorf("Suspended still stands: %+v", c)
	}
}

func TestAWipedStatusComesBack(t *testing.T) {
	w, o, key := played(t)
	o.calm(t, key)
	before := get[v1alpha1.ChatPDFDeployment](t, w, "docs")
	objects := w.objects(t, key)
	wiped := before.DeepCopy()
	wiped.Status = v1alpha1.ChatPDFDeploymentStatus{ObservedGeneration: -1}
	w.must(t, w.Status().Update(t.Context(), wiped, client.FieldOwner("somebody")))
	o.settle(t, key)
	after := get[v1alpha1.ChatPDFDeployment](t, w, "docs")
	for i := range before.Status.Conditions { // since when something is so is all that is lost
		before.Status.Conditions[i].LastTransitionTime = after.Status.Conditions[i].LastTransitionTime
	}
	if !equality.Semantic.DeepEqual(before.Status, after.Status) {
		t.Errorf("the status is %+v, was %+v", after.Status, before.Status)
	}
	if now := w.objects(t, key); !equality.Semantic.DeepEqual(objects, now) {
		t.Errorf("objects are %v, were %v", now, objects)
	}
}
