package api

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/api/v1alpha1"
)

// world is one namespace and what the test does in it as everybody but the operator.
type world struct {
	client.Client
	namespace string
	// noImage is an image, of mongod or of its agent, that no node can get.
	noImage string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c, err := client.New(cluster.config, client.Options{Scheme: cluster.scheme})
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "t-", Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	if err := c.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	return &world{Client: c, namespace: namespace.Name}
}

func (w *world) key(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: w.namespace, Name: name}
}

// deployment creates a ChatPDFDeployment and returns its key.
func (w *world) deployment(t *testing.T, name string, spec v1alpha1.ChatPDFDeploymentSpec) types.NamespacedName {
	t.Helper()
	d := &v1alpha1.ChatPDFDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}, Spec: spec}
	w.must(t, w.Create(t.Context(), d))
	return w.key(name)
}

// edit changes the spec as a user would.
func (w *world) edit(t *testing.T, key types.NamespacedName, change func(*v1alpha1.ChatPDFDeploymentSpec)) {
	t.Helper()
	d := get[v1alpha1.ChatPDFDeployment](t, w, key.Name)
	change(&d.Spec)
	w.must(t, w.Update(t.Context(), d))
}

// condition is a condition of the deployment; empty if it does not stand.
func (w *world) condition(t *testing.T, key types.NamespacedName, kind string) metav1.Condition {
	t.Helper()
	d := get[v1alpha1.ChatPDFDeployment](t, w, key.Name)
	if c := meta.FindStatusCondition(d.Status.Conditions, kind); c != nil {
		return *c
	}
	return metav1.Condition{}
}

func (w *world) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// get reads an object that must exist.
func get[T any, P interface {
	*T
	client.Object
}](t *testing.T, w *world, name string) P {
	t.Helper()
	object := P(new(T))
	if err := w.Get(t.Context(), w.key(name), object); err != nil {
		t.Fatal(err)
	}
	return object
}

// exists says whether there is such an object.
func exists[T any, P interface {
	*T
	client.Object
}](t *testing.T, w *world, name string) bool {
	t.Helper()
	err := w.Get(t.Context(), w.key(name), P(new(T)))
	if client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	return err == nil
}
