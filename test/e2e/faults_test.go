//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/api/v1alpha1"
)

// What a person got wrong stands in a condition that names the object and says what to do.
func TestFaultsNameTheObjectAndTheRemedy(t *testing.T) {
	besideOthers(t)
	ns := namespace(t, "faults")
	quantity := func(s string) *resource.Quantity { q := resource.MustParse(s); return &q }
	for _, test := range []struct {
		name      string
		spec      v1alpha1.ChatPDFDeploymentSpec
		condition string
		status    metav1.ConditionStatus
		names     []string
	}{
		{
			"missing-secret",
			v1alpha1.ChatPDFDeploymentSpec{LLM: v1alpha1.LLMSpec{APIKeySecretRef: &v1alpha1.SecretKeyRef{Name: "nowhere", Key: "api-key"}}},
			v1alpha1.ConditionStalled, metav1.ConditionTrue, []string{"nowhere", "api-key"},
		},
		{
			"no-such-image",
			v1alpha1.ChatPDFDeploymentSpec{Image: "127.0.0.1:1/no/such:image"},
			v1alpha1.ConditionBackendAvailable, metav1.ConditionFalse, []string{"127.0.0.1:1/no/such:image"},
		},
		{
			"image-without-mongod",
			v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Image: cluster.Images.App}},
			v1alpha1.ConditionDatabaseAvailable, metav1.ConditionFalse, []string{cluster.Images.App, "mongod"},
		},
		{
			"no-such-class",
			v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Storage: v1alpha1.StorageSpec{StorageClassName: "imaginary"}}},
			v1alpha1.ConditionDatabaseAvailable, metav1.ConditionFalse, []string{"imaginary"},
		},
		{
			"too-large",
			v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Resources: v1alpha1.ResourcesSpec{Requests: v1alpha1.ResourceQuantities{CPU: quantity("900")}, Limits: v1alpha1.ResourceQuantities{CPU: quantity("900")}}}},
			v1alpha1.ConditionDatabaseAvailable, metav1.ConditionFalse, []string{"too-large-mongodb-0", "cpu"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			key := create(t, &v1alpha1.ChatPDFDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: test.name}, Spec: test.spec})
			eventually(t, "the condition", condition(key, test.condition, func(c metav1.Condition) error {
				for _, name := range test.names {
					if c.Status != test.status || !strings.Contains(strings.ToLower(c.Message), strings.ToLower(name)) {
						return fmt.Errorf("%s is %s, %s: %q; want %s naming %q", c.Type, c.Status, c.Reason, c.Message, test.status, name)
					}
				}
				return nil
			}))
			discard(t, key)
		})
	}
}

// discard deletes a resource and ends its pods at once: a mongod that is told to stop in the moment of its
// start does not hear it, and would be waited for to the end of its grace period of five minutes.
func discard(t *testing.T, key client.ObjectKey) {
	t.Helper()
	deployment := &v1alpha1.ChatPDFDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	if err := cluster.Delete(t.Context(), deployment); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pods go", func(ctx context.Context) error {
		ours := []client.ListOption{client.InNamespace(key.Namespace), client.MatchingLabels{"app.kubernetes.io/instance": key.Name}}
		var pods corev1.PodList
		if err := cluster.List(ctx, &pods, ours...); err != nil {
			return err
		}
		for i := range pods.Items {
			if err := client.IgnoreNotFound(cluster.Delete(ctx, &pods.Items[i], client.GracePeriodSeconds(0))); err != nil {
				return err
			}
		}
		if len(pods.Items) > 0 {
			return fmt.Errorf("%d pods are left", len(pods.Items))
		}
		return nil
	})
}

// remove deletes a resource and waits until its pods are gone.
func remove(t *testing.T, key client.ObjectKey) {
	t.Helper()
	deployment := &v1alpha1.ChatPDFDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	if err := cluster.Delete(t.Context(), deployment); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pods go", func(ctx context.Context) error {
		var pods corev1.PodList
		if err := cluster.List(ctx, &pods, client.InNamespace(key.Namespace), client.MatchingLabels{"app.kubernetes.io/instance": key.Name}); err != nil {
			return err
		}
		if len(pods.Items) > 0 {
			return fmt.Errorf("%d pods are left", len(pods.Items))
		}
		return nil
	})
}
