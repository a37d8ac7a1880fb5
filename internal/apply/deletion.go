package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/stack"
)

// +kubebuilder:rbac:groups="",resources=secrets;configmaps,verbs=patch

// Retain makes what holds data outlive the deployment, if the spec asks for that.
func (w *Writer) Retain(ctx context.Context, seen *observe.Observed) error {
	if seen.Deployment.Spec.MongoDB.Storage.DeletionPolicy == v1alpha1.DeletionDelete {
		return nil
	}
	return w.deletion(ctx, seen, seen.Kept(), nil)
}

// Delete makes what holds data go with the deployment, if the spec asks for that: the garbage collector does the
// rest, whether the operator runs by then or not. Secrets follow only when every volume goes, and the record of the
// replica set goes first: what is left of a deployment that is deleted in between can be used again.
func (w *Writer) Delete(ctx context.Context, seen *observe.Observed, owner metav1.OwnerReference) error {
	if seen.Deployment.Spec.MongoDB.Storage.DeletionPolicy != v1alpha1.DeletionDelete {
		return nil
	}
	all, volumes := seen.Kept(), 0
	var now []observe.Kept
	for _, kept := range all {
		if kept.Kind != observe.KindSecret {
			now = append(now, kept)
		}
		if kept.Kind == observe.KindClaim && kept.Owner != nil {
			volumes++
		}
	}
	if volumes == len(seen.Claims) && volumes >= int(stack.Members(seen.Deployment.Spec)) {
		now = all
	}
	return w.deletion(ctx, seen, now, &owner)
}

// deletion gives objects an owner, or takes the one away that they have.
func (w *Writer) deletion(ctx context.Context, seen *observe.Observed, objects []observe.Kept, owner *metav1.OwnerReference) error {
	var errs []error
	for _, kept := range objects {
		if (kept.Owner != nil) == (owner != nil) || kept.Owner != nil && kept.Owner.UID != seen.Deployment.UID {
			continue
		}
		owners := slices.DeleteFunc(slices.Clone(kept.Owners), func(o metav1.OwnerReference) bool { return o.UID == seen.Deployment.UID })
		if owner != nil {
			owners = append(owners, *owner)
		}
		err := w.own(ctx, seen.Deployment.Namespace, kept, owners)
		if err != nil {
			errs = append(errs, fmt.Errorf("setting what happens to %s %s on deletion: %w", kept.Kind, kept.Name, err))
		}
	}
	return errors.Join(errs...)
}

// own replaces the owners of the very version that was seen.
func (w *Writer) own(ctx context.Context, namespace string, kept observe.Kept, owners []metav1.OwnerReference) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid": kept.UID, "resourceVersion": kept.Version, "ownerReferences": owners,
	}})
	if err != nil {
		return fmt.Errorf("encoding: %w", err)
	}
	object := &metav1.PartialObjectMetadata{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: kept.Kind}, ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: kept.Name},
	}
	return w.Client.Patch(ctx, object, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(Manager))
}
