package observe

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// trouble reads what only matters when something is stuck and does not say why itself: a claim that
// does not bind or is to grow, a StatefulSet that cannot make its pods. Not to know it keeps nobody from working:
// an operator that may not read it merely explains less.
func (o Observer) trouble(ctx context.Context, seen *Observed) error {
	pending := false
	for i := range seen.Claims {
		if claim := &seen.Claims[i]; claim.Status.Phase == corev1.ClaimPending {
			pending = true
			o.warning(ctx, seen, claim)
		}
	}
	small := seen.SmallVolumes()
	for _, claim := range small {
		o.warning(ctx, seen, claim)
	}
	for i := range seen.StatefulSets {
		set := &seen.StatefulSets[i]
		if set.Spec.Replicas != nil && set.Status.ObservedGeneration > 0 && set.Status.Replicas < *set.Spec.Replicas {
			o.warning(ctx, seen, set)
		}
	}
	if !pending && len(small) == 0 {
		return nil
	}
	var classes storagev1.StorageClassList
	if err := o.Live.List(ctx, &classes); err != nil {
		log.FromContext(ctx).Info("cannot tell what the storage classes allow", "error", err.Error())
		return nil
	}
	seen.StorageClasses = &classes
	return nil
}

// warning remembers the latest warning about one object.
func (o Observer) warning(ctx context.Context, seen *Observed, object client.Object) {
	var events corev1.EventList
	err := o.Live.List(ctx, &events, client.InNamespace(object.GetNamespace()),
		client.MatchingFieldsSelector{Selector: fields.Set{
			"involvedObject.uid": string(object.GetUID()), "type": corev1.EventTypeWarning,
		}.AsSelector()})
	if err != nil {
		log.FromContext(ctx).Info("cannot tell what warnings there are", "about", object.GetName(), "error", err.Error())
	}
	var latest corev1.Event
	for _, event := range events.Items {
		if latest.Message == "" || lastSeen(event).After(lastSeen(latest)) {
			latest = event
		}
	}
	if latest.Message != "" {
		seen.Warnings[object.GetUID()] = latest.Message
	}
}

// lastSeen is the newest of an event's times: which of them is set depends on who wrote it.
func lastSeen(event corev1.Event) time.Time {
	newest := event.CreationTimestamp.Time
	times := []time.Time{event.LastTimestamp.Time, event.EventTime.Time}
	if event.Series != nil {
		times = append(times, event.Series.LastObservedTime.Time)
	}
	for _, t := range times {
		if t.After(newest) {
			newest = t
		}
	}
	return newest
}
