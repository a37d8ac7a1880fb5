package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/stack"
)

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

// own replaces the owners of the very version that was seen. Claims are patched and the others updated: those are the
// rights that the operator has.
func (w *Writer) own(ctx context.Context, namespace string, kept observe.Kept, owners []metav1.OwnerReference) error {
	var object client.Object
	switch kept.Kind {
	case observe.KindClaim:
		return w.ownClaim(ctx, namespace, kept, owners)
	case observe.KindSecret:
		object = &corev1.Secret{}
	default:
		object = &corev1.ConfigMap{}
	}
	if err := w.Live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: kept.Name}, object); err != nil {
		return client.IgnoreNotFound(err)
	}
	if object.GetResourceVersion() != kept.Version {
		return apierrors.NewConflict(schema.GroupResource{Resource: kept.Kind}, kept.Name, errors.New("it was written since it was read"))
	}
	object.SetOwnerReferences(owners)
	return w.Client.Update(ctx, object, client.FieldOwner(Manager))
}

func (w *Writer) ownClaim(ctx context.Context, namespace string, kept observe.Kept, owners []metav1.OwnerReference) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid": kept.UID, "resourceVersion": kept.Version, "ownerReferences": owners,
	}})
	if err != nil {
		return fmt.Errorf("encoding: %w", err)
	}
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: kept.Name}}
	return w.Client.Patch(ctx, claim, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(Manager))
}
