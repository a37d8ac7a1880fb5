package api

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"

	"chatpdf.dev/operator/api/v1alpha1"
)

// TestAnOperatorKilledBetweenAnyTwoWritesConverges kills the operator before each write of the first
// passes in turn. The next operator, which remembers nothing, must arrive at the same objects, and no
// Secret that was made may ever change.
func TestAnOperatorKilledBetweenAnyTwoWritesConverges(t *testing.T) {
	t.Parallel()
	spec := everything()
	spec.LLM = v1alpha1.LLMSpec{}
	want := undisturbed(t, spec)
	for k := 0; ; k++ {
		w := newWorld(t)
		key := w.deployment(t, "docs", spec)
		if !runAndDie(t, w, key, k) {
			t.Logf("killed before each of %d writes", k)
			if k < 20 {
				t.Errorf("the first passes made only %d writes: is the test still looking?", k)
			}
			return
		}
		made := w.secrets(t)
		o := startOperator(t, defaultConfig, nil)
		o.settle(t, key)
		w.play(t, key)
		o.settle(t, key)
		o.stop()
		if got := anonymous(w.objects(t, key)); !equality.Semantic.DeepEqual(got, want) {
			t.Errorf("killed before write %d: objects are %v, want %v", k, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
			reportDifferences(t, got, want)
		}
		after := w.secrets(t)
		for name, data := range made {
			if !equality.Semantic.DeepEqual(after[name], data) {
				t.Errorf("killed before write %d: Secret %s changed", k, name)
			}
		}
	}
}

// undisturbed is what an operator arrives at that nobody kills.
func undisturbed(t *testing.T, spec v1alpha1.ChatPDFDeploymentSpec) map[string]string {
	t.Helper()
	w := newWorld(t)
	o := startOperator(t, defaultConfig, nil)
	key := w.deployment(t, "docs", spec)
	o.settle(t, key)
	w.play(t, key)
	o.settle(t, key)
	return anonymous(w.objects(t, key))
}

// runAndDie passes until the operator dies before its write k; it says whether it did.
func runAndDie(t *testing.T, w *world, key types.NamespacedName, k int) bool {
	t.Helper()
	o := startOperator(t, defaultConfig, nil)
	defer o.stop()
	o.transport.budget = k
	for range 6 {
		_, err := o.Reconcile(t.Context(), ctrl.Request{NamespacedName: key})
		if o.transport.died() && err != nil {
			return true
		}
		if err != nil {
			t.Fatal(err)
		}
		w.play(t, key)
	}
	return false
}

// anonymous renames what carries an identity in its name, and leaves out namespaces.
func anonymous(objects map[string]string) map[string]string {
	renamed := map[string]string{}
	for name, portrait := range objects {
		if strings.HasPrefix(name, "ControllerRevision ") {
			name, portrait = "ControllerRevision", ""
		}
		if strings.HasPrefix(name, "Pod ") {
			portrait = ""
		}
		renamed[name] = withoutNamespace(portrait)
	}
	return renamed
}

func withoutNamespace(portrait string) string {
	for _, word := range strings.FieldsFunc(portrait, func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-", r) }) {
		if strings.HasPrefix(word, "t-") && len(word) == len("t-xxxxx") {
			return strings.ReplaceAll(portrait, word, "NAMESPACE")
		}
	}
	return portrait
}

func reportDifferences(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s is\n%s\nwant\n%s", name, got[name], want[name])
		}
	}
}
