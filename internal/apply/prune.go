package apply

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// prune deletes the objects of one kind that the deployment owns and that are no longer desired. The
// lists that it goes by are complete: a pass that could not list has ended before.
func prune[L any, P interface {
	*L
	client.Object
}, A configuration](ctx context.Context, p *pass, live []L, desired []A) {
	wanted := make(map[string]bool, len(desired))
	for _, want := range desired {
		wanted[*want.GetName()] = true
	}
	for i := range live {
		object := P(&live[i])
		controller := metav1.GetControllerOf(object)
		if wanted[object.GetName()] || controller == nil || controller.UID != p.owner || object.GetDeletionTimestamp() != nil {
			continue
		}
		p.changed = true
		p.try(remove(ctx, p.client, object), "deleting %T %s", *object, object.GetName())
	}
}

// remove deletes exactly the object that was seen, not one that has its name by now.
func remove(ctx context.Context, c client.Client, object client.Object) error {
	return client.IgnoreNotFound(c.Delete(ctx, object, client.Preconditions{UID: new(object.GetUID())}))
}

// gone says that the object that was meant is no longer there.
func gone(err error) bool { return apierrors.IsNotFound(err) || apierrors.IsConflict(err) }
