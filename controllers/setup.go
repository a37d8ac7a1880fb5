package controllers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/stack"
)

const (
	// firstRetry and lastRetry bound the time between two tries of a pass that failed.
	firstRetry = time.Second
	lastRetry  = time.Minute
	// passTimeout bounds one pass: what hangs gives its worker back.
	passTimeout = 2 * time.Minute
)

// SetupWithManager registers the controller.
func (r *ChatPDFDeploymentReconciler) SetupWithManager(m ctrl.Manager, workers int) error {
	byInstance := handler.EnqueueRequestsFromMapFunc(instance)
	specChanged := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	err := ctrl.NewControllerManagedBy(m).
		For(&v1alpha1.ChatPDFDeployment{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, statusLost()))).
		Owns(&corev1.Service{}).
		Owns(&corev1.ServiceAccount{}).
		Owns(&appsv1.Deployment{}).
		Owns(&appsv1.StatefulSet{}).
		Owns(&appsv1.ControllerRevision{}).
		Owns(&batchv1.CronJob{}).
		// Their status moves with every pod and every measurement, and nothing here goes by it.
		Owns(&policyv1.PodDisruptionBudget{}, specChanged).
		Owns(&autoscalingv2.HorizontalPodAutoscaler{}, builder.WithPredicates(autoscalerChanged())).
		// These have another owner, or none.
		Watches(&corev1.Pod{}, byInstance).
		Watches(&batchv1.Job{}, byInstance).
		Watches(&corev1.PersistentVolumeClaim{}, byInstance).
		WatchesRawSource(source.Channel(r.Watcher.Events(), &handler.EnqueueRequestForObject{})).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: workers,
			ReconciliationTimeout:   passTimeout,
			RateLimiter:             jittered{workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry)},
		}).
		Complete(r)
	if err != nil {
		return fmt.Errorf("setting up the controller of ChatPDFDeployments: %w", err)
	}
	return nil
}

// instance finds the deployment that an object belongs to by its label.
func instance(_ context.Context, object client.Object) []reconcile.Request {
	name := object.GetLabels()[stack.LabelInstance]
	if name == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: object.GetNamespace(), Name: name}}}
}

// statusLost lets a change pass that leaves a status which speaks of another generation: somebody wiped
// it, or a backup brought an old one back. Our own writes speak of the generation that is there.
func statusLost() predicate.Predicate {
	return predicate.NewPredicateFuncs(func(object client.Object) bool {
		d, ok := object.(*v1alpha1.ChatPDFDeployment)
		return ok && d.Status.ObservedGeneration != d.Generation
	})
}

// autoscalerChanged ignores what an autoscaler measures, which changes every 15 seconds; it has no
// generation to go by.
func autoscalerChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok := e.ObjectOld.(*autoscalingv2.HorizontalPodAutoscaler)
		after, alsoOK := e.ObjectNew.(*autoscalingv2.HorizontalPodAutoscaler)
		return !ok || !alsoOK || !equality.Semantic.DeepEqual(before.Spec, after.Spec) ||
			!equality.Semantic.DeepEqual(before.Labels, after.Labels) || !equality.Semantic.DeepEqual(before.OwnerReferences, after.OwnerReferences)
	}}
}

// jittered spreads retries, so that deployments that failed together do not come back together.
type jittered struct {
	workqueue.TypedRateLimiter[reconcile.Request]
}

func (j jittered) When(item reconcile.Request) time.Duration {
	wait := j.TypedRateLimiter.When(item)
	return wait + rand.N(wait/5+1) //nolint:gosec // chance, not secrecy
}
