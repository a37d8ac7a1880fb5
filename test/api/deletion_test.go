package api

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
)

// owners are the deployments that each claim, Secret and record of the identity is deleted with; empty for none.
func (w *world) owners(t *testing.T) map[string]types.UID {
	t.Helper()
	found := map[string]types.UID{}
	for _, kind := range []string{"PersistentVolumeClaim", "Secret", "ConfigMap"} {
		for _, object := range w.lists(t)[kind] {
			if strings.HasPrefix(object.GetName(), "kube-") {
				continue
			}
			found[kind+" "+object.GetName()] = ""
			for _, owner := range object.GetOwnerReferences() {
				found[kind+" "+object.GetName()] = owner.UID
			}
		}
	}
	return found
}

func TestDataGoWithTheDeploymentOnlyIfTheSpecSaysSo(t *testing.T) {
	w := newWorld(t)
	o := startOperator(t, defaultConfig, nil)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	theirs := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "theirs"}}
	w.must(t, w.Create(t.Context(), theirs))
	o.settle(t, key)
	w.play(t, key)
	o.calm(t, key)
	is := func(what string, want types.UID) {
		t.Helper()
		seen := w.owners(t)
		if len(seen) < 10 {
			t.Fatalf("%s: only %v: is this test still looking?", what, seen)
		}
		for name, owner := range seen {
			if name == "Secret theirs" || name == "PersistentVolumeClaim docs-backup" {
				if owner != "" {
					t.Errorf("%s: %s is deleted with %q", what, name, owner)
				}
				continue
			}
			if owner != want {
				t.Errorf("%s: %s is deleted with %q, want %q", what, name, owner, want)
			}
		}
	}
	is("by default", "")
	policy := func(p v1alpha1.DeletionPolicy) {
		t.Helper()
		w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.Storage.DeletionPolicy = p })
		o.settle(t, key)
		o.transport.taken()
		if o.pass(t, key); len(o.transport.taken()) > 0 {
			t.Error("it still writes")
		}
	}
	policy(v1alpha1.DeletionDelete)
	uid := get[v1alpha1.ChatPDFDeployment](t, w, "docs").UID
	is("Delete", uid)
	policy(v1alpha1.DeletionRetain)
	is("Retain again", "")

	// One that is made again before everything of the first is gone waits, and takes nothing of it.
	policy(v1alpha1.DeletionDelete)
	w.remove(t, key)
	key = w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	o.pass(t, key)
	o.transport.taken()
	o.pass(t, key)
	if writes := o.transport.taken(); len(writes) > 0 {
		t.Errorf("it wrote %q", writes)
	}
	if c := w.condition(t, key, v1alpha1.ConditionReconciling); !strings.Contains(c.Message, "is still being removed") {
		t.Errorf("the condition is %+v", c)
	}
	for _, kind := range []string{"PersistentVolumeClaim", "Secret", "ConfigMap"} {
		for _, object := range w.lists(t)[kind] {
			if len(object.GetOwnerReferences()) > 0 {
				claim, isClaim := object.(*corev1.PersistentVolumeClaim)
				if isClaim {
					claim.Finalizers = nil
					w.must(t, w.Update(t.Context(), claim))
				}
				w.must(t, client.IgnoreNotFound(w.Delete(t.Context(), object)))
			}
		}
	}
	o.settle(t, key)
	w.play(t, key)
	o.settle(t, key)
	is("after all", "")
}

func TestVolumesThatNoMemberUsesAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Members: 3}})
	k := newKubelet(t, w, key, 3)
	o := startOperator(t, defaultConfig, k.dial)
	k.ready(t, o)
	left := func() []string { return get[v1alpha1.ChatPDFDeployment](t, w, "docs").Status.MongoDB.LeftVolumes }
	if got := left(); len(got) > 0 {
		t.Errorf("left are %v while three members run", got)
	}
	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.Members = 1 })
	k.until(t, o, "two volumes to be left", func() bool {
		got := left()
		return len(got) == 2 && got[0] == mongodb.ClaimName("docs", 1) && got[1] == mongodb.ClaimName("docs", 2)
	})
}
