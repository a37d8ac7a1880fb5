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

	"chatpdf.dev/operator/internal/observe"
)

// Retain makes objects outlive the deployment.
func (w *Writer) Retain(ctx context.Context, seen *observe.Observed, objects []observe.Kept) error {
	return w.change(ctx, seen, objects)
}

// Delete makes objects go with the deployment: the garbage collector does the rest, whether the operator runs by then
// or not.
func (w *Writer) Delete(ctx context.Context, seen *observe.Observed, objects []observe.Kept) error {
	return w.change(ctx, seen, objects, seen.Owner())
}

// change gives objects these owners in the place of the deployment.
func (w *Writer) change(ctx context.Context, seen *observe.Observed, objects []observe.Kept, instead ...metav1.OwnerReference) error {
	var errs []error
	for _, kept := range objects {
		owners := slices.DeleteFunc(slices.Clone(kept.Owners), func(o metav1.OwnerReference) bool { return o.UID == seen.Deployment.UID })
		if err := w.own(ctx, seen.Deployment.Namespace, kept, append(owners, instead...)); err != nil {
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
