package api

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/release"
	"chatpdf.dev/operator/internal/stack"
)

// newerConfig is another operator: other images, another agent, another flag.
var newerConfig = stack.Config{
	AppImage: "registry.example.com/chatpdf:2.0.0", MongoDBImage: "docker.io/library/mongo:8.0.4",
	AgentImage: "registry.example.com/dbagent:2.0.0", ClusterDomain: "example.org",
}

// templates are what pods are made from.
func (w *world) templates(t *testing.T) []corev1.PodTemplateSpec {
	t.Helper()
	return []corev1.PodTemplateSpec{
		get[appsv1.Deployment](t, w, "docs-backend").Spec.Template,
		get[appsv1.Deployment](t, w, "docs-frontend").Spec.Template,
		get[appsv1.StatefulSet](t, w, "docs-mongodb").Spec.Template,
	}
}

func (w *world) revisions(t *testing.T) []appsv1.ControllerRevision {
	t.Helper()
	var list appsv1.ControllerRevisionList
	w.must(t, w.List(t.Context(), &list, client.InNamespace(w.namespace)))
	return list.Items
}

func (w *world) breakRevision(t *testing.T, name string) {
	t.Helper()
	revision := get[appsv1.ControllerRevision](t, w, name)
	w.must(t, w.Delete(t.Context(), revision))
	revision.ResourceVersion, revision.UID = "", ""
	revision.Data = runtime.RawExtension{Raw: []byte(`{"app": "of another time"}`)}
	w.must(t, w.Create(t.Context(), revision))
}

func TestAnUpgradedOperatorChangesNoTemplate(t *testing.T) {
	w := newWorld(t)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	old := startOperator(t, defaultConfig, nil)
	old.settle(t, key)
	w.play(t, key)
	old.settle(t, key)
	old.stop()
	before := w.templates(t)

	newer := startOperator(t, newerConfig, nil)
	newer.pass(t, key)
	newer.settle(t, key)
	if !equality.Semantic.DeepEqual(before, w.templates(t)) {
		t.Fatal("the upgrade changed a template")
	}
	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.Backend.Replicas, s.Frontend.Replicas = 4, 4 })
	newer.settle(t, key)
	if !equality.Semantic.DeepEqual(before, w.templates(t)) {
		t.Fatal("another number of pods changed a template")
	}

	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.Backend.WorkerCount = 3 })
	newer.settle(t, key)
	after := w.templates(t)
	for i, name := range []string{"backend", "frontend"} {
		if image := after[i].Spec.Containers[0].Image; image != newerConfig.AppImage {
			t.Errorf("after an update of the application %s runs %s", name, image)
		}
	}
	if !equality.Semantic.DeepEqual(before[2], after[2]) {
		t.Error("an update of the application changed the database's template")
	}

	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.Resources.Limits.Memory = quantity("3Gi") })
	newer.settle(t, key)
	database := w.templates(t)[2]
	if image := database.Spec.Containers[0].Image; image != defaultConfig.MongoDBImage {
		t.Errorf("more memory carried the database to %s", image)
	}
	if image := database.Spec.InitContainers[0].Image; image != newerConfig.AgentImage {
		t.Errorf("after an update of the database the agent is %s", image)
	}
	for _, e := range database.Spec.InitContainers[0].Env {
		if e.Name == "MEMBER_HOST" && e.Value != "$(POD_NAME).docs-mongodb."+w.namespace+".svc.cluster.local:27017" {
			t.Errorf("another flag renamed the members: %s", e.Value)
		}
	}
}

func TestReleasesAreCountedAndTheirHistoryIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := startOperator(t, defaultConfig, nil)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	o.settle(t, key)
	first := get[v1alpha1.ChatPDFDeployment](t, w, "docs").Status.Release
	templates := w.templates(t)
	if first.Revision != 1 {
		t.Errorf("the first release is %d", first.Revision)
	}
	set := func(workers int32) v1alpha1.ReleaseStatus {
		w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.Backend.WorkerCount = workers })
		o.settle(t, key)
		return get[v1alpha1.ChatPDFDeployment](t, w, "docs").Status.Release
	}
	set(7)
	back := set(0)
	if back.Name != first.Name || back.Revision != 3 {
		t.Errorf("back at the first spec release %s runs as %d, want %s as 3", back.Name, back.Revision, first.Name)
	}
	if !equality.Semantic.DeepEqual(templates, w.templates(t)) {
		t.Error("going back did not bring the first templates back")
	}
	for workers := range int32(12) {
		set(workers + 1)
	}
	revisions := w.revisions(t)
	if len(revisions) != release.HistoryLimit {
		t.Errorf("%d releases are kept, want %d", len(revisions), release.HistoryLimit)
	}
	for _, r := range revisions {
		if r.Revision <= 5 {
			t.Errorf("release %s of revision %d is kept, newer ones are not", r.Name, r.Revision)
		}
	}
}
