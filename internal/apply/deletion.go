package apply

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/observe"
)

// +kubebuilder:rbac:groups="",resources=secrets;configmaps,verbs=patch

// DeletionManager owns the reference by which what holds data is deleted with its deployment, and nothing else.
const DeletionManager = "chatpdf-deletion"

// Deletion makes what holds data go with the deployment, or outlive it, as the spec asks: the garbage collector
// does the rest, whether the operator runs by then or not.
func (w *Writer) Deletion(ctx context.Context, seen *observe.Observed, owner metav1.OwnerReference) error {
	goes := seen.Deployment.Spec.MongoDB.Storage.DeletionPolicy == v1alpha1.DeletionDelete
	var errs []error
	for _, kept := range seen.Kept() {
		if (kept.Owner != nil) == goes {
			continue
		}
		object := &unstructured.Unstructured{}
		object.SetAPIVersion("v1")
		object.SetKind(kept.Kind)
		object.SetNamespace(seen.Deployment.Namespace)
		object.SetName(kept.Name)
		object.SetUID(kept.UID) // keeps the apply from making one
		if goes {
			object.SetOwnerReferences([]metav1.OwnerReference{owner})
		}
		err := w.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), client.FieldOwner(DeletionManager), client.ForceOwnership)
		if err != nil {
			errs = append(errs, fmt.Errorf("setting what happens to %s %s on deletion: %w", kept.Kind, kept.Name, err))
		}
	}
	return errors.Join(errs...)
}
