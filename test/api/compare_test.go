package api

import (
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/internal/stack"
)

func items(list client.ObjectList) []client.Object {
	var objects []client.Object
	err := meta.EachListItem(list, func(o runtime.Object) error {
		objects = append(objects, o.(client.Object)) //nolint:forcetypeassert // every item is one
		return nil
	})
	if err != nil {
		panic(err)
	}
	return objects
}

// objects is what the deployment consists of, by kind and name, without what differs from one run
// to the next: identities, versions, times, and what is in Secrets.
func (w *world) objects(t *testing.T, key types.NamespacedName) map[string]string {
	t.Helper()
	found := map[string]string{}
	for kind, list := range w.lists(t) {
		for _, object := range list {
			if object.GetLabels()[stack.LabelInstance] != key.Name {
				continue
			}
			found[kind+" "+object.GetName()] = portrait(t, object)
		}
	}
	return found
}

func portrait(t *testing.T, object client.Object) string {
	t.Helper()
	labels, annotations := object.GetLabels(), object.GetAnnotations()
	if secret, ok := object.(*corev1.Secret); ok {
		for name := range secret.Data {
			secret.Data[name] = []byte("set")
		}
		if annotations[stack.AnnotationKeyfile] != "" {
			annotations[stack.AnnotationKeyfile] = "of what is set"
		}
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		t.Fatal(err)
	}
	content["metadata"] = map[string]any{"labels": labels, "annotations": annotations, "owners": len(object.GetOwnerReferences())}
	delete(content, "status")
	if spec, ok := content["spec"].(map[string]any); ok {
		delete(spec, "clusterIP")
		delete(spec, "clusterIPs")
	}
	text, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// secrets is the content of all Secrets, by name.
func (w *world) secrets(t *testing.T) map[string]map[string][]byte {
	t.Helper()
	var list corev1.SecretList
	w.must(t, w.List(t.Context(), &list, client.InNamespace(w.namespace)))
	found := map[string]map[string][]byte{}
	for _, secret := range list.Items {
		found[secret.Name] = secret.Data
	}
	return found
}
