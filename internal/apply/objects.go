package apply

import (
	"context"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	autoscalingv2ac "k8s.io/client-go/applyconfigurations/autoscaling/v2"
	batchv1ac "k8s.io/client-go/applyconfigurations/batch/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	policyv1ac "k8s.io/client-go/applyconfigurations/policy/v1"

	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/stack"
)

// +kubebuilder:rbac:groups="",resources=services;serviceaccounts;persistentvolumeclaims,verbs=create;patch
// +kubebuilder:rbac:groups=batch,resources=cronjobs,verbs=create;patch;delete
// +kubebuilder:rbac:groups=apps,resources=deployments;statefulsets,verbs=create;patch
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=create;patch;delete
// +kubebuilder:rbac:groups=autoscaling,resources=horizontalpodautoscalers,verbs=create;patch;delete
// +kubebuilder:rbac:groups=chatpdf.dev,resources=chatpdfdeployments/finalizers,verbs=update

// Outcome is what came of making objects equal to the desired ones.
type Outcome struct {
	// Foreign is what had to be left alone because somebody else owns it.
	Foreign []Foreign
	// Changed says that something was written: what was seen is not what is there now.
	Changed bool
}

// Objects makes the objects that exist equal to the desired ones and deletes what is left over.
func (w *Writer) Objects(ctx context.Context, seen *observe.Observed, desired stack.Objects) (Outcome, error) {
	p := &pass{client: w.Client, live: w.Live, owner: seen.Deployment.UID}
	sync(ctx, p, seen.ServiceAccounts, desired.ServiceAccounts, corev1ac.ExtractServiceAccount)
	sync(ctx, p, seen.Services, desired.Services, corev1ac.ExtractService)
	sync(ctx, p, seen.Budgets, desired.Budgets, policyv1ac.ExtractPodDisruptionBudget)
	sync(ctx, p, seen.StatefulSets, desired.StatefulSets, appsv1ac.ExtractStatefulSet)
	sync(ctx, p, seen.Deployments, desired.Deployments, appsv1ac.ExtractDeployment)
	p.claims(ctx, seen.BackupClaims, desired.Claims)
	sync(ctx, p, seen.CronJobs, desired.CronJobs, batchv1ac.ExtractCronJob)
	w.issued(ctx, p, seen, desired.Issued)
	prune(ctx, p, seen.CronJobs, desired.CronJobs)
	prune(ctx, p, seen.Budgets, desired.Budgets)
	// Replicas between the two: an autoscaler that should go would undo them, and one that comes
	// takes over what it finds.
	prune(ctx, p, seen.Autoscalers, desired.Autoscalers)
	w.replicas(ctx, p, seen, desired.Replicas)
	sync(ctx, p, seen.Autoscalers, p.scalable(desired.Autoscalers), autoscalingv2ac.ExtractHorizontalPodAutoscaler)
	return Outcome{Foreign: p.foreign, Changed: p.changed}, p.err()
}

// claims makes those that do not exist. Whoever made one that does, it is as they want it: somebody may have brought
// backups of another cluster.
func (p *pass) claims(ctx context.Context, live []corev1.PersistentVolumeClaim, desired []*corev1ac.PersistentVolumeClaimApplyConfiguration) {
	for _, want := range desired {
		if observe.Named(live, *want.Name) != nil {
			continue
		}
		switch stranger, err := p.stranger(ctx, want); {
		case err != nil:
			p.try(err, "looking whether there is a %s %s already", *want.Kind, *want.Name)
		case stranger == nil:
			p.try(p.makeSo(ctx, "", want, Manager), "applying %s %s", *want.Kind, *want.Name)
		case stranger.Owner.UID != "":
			p.foreign = append(p.foreign, *stranger)
		}
	}
}

// replicas writes counts, each as the one field of a manager of its own.
func (w *Writer) replicas(ctx context.Context, p *pass, seen *observe.Observed, desired []stack.Replicas) {
	for _, want := range desired {
		current := observe.Named(seen.Deployments, want.Deployment)
		switch {
		case current == nil && len(p.errs) > 0: // it may not have been created
			continue
		case p.isForeign("Deployment", want.Deployment):
			continue
		case current != nil && (otherController(current, p.owner) != nil || ownsReplicas(current, want.Count)):
			continue
		}
		p.try(p.makeSo(ctx, versionOf(seen.Deployments, want.Deployment), appsv1ac.Deployment(want.Deployment, seen.Deployment.Namespace).
			WithSpec(appsv1ac.DeploymentSpec().WithReplicas(want.Count)), ReplicasManager),
			"setting the replicas of Deployment %s to %d", want.Deployment, want.Count)
	}
}

// scalable leaves out the autoscalers of Deployments that are somebody else's.
func (p *pass) scalable(desired []*autoscalingv2ac.HorizontalPodAutoscalerApplyConfiguration) []*autoscalingv2ac.HorizontalPodAutoscalerApplyConfiguration {
	return slices.DeleteFunc(slices.Clone(desired), func(a *autoscalingv2ac.HorizontalPodAutoscalerApplyConfiguration) bool {
		return p.isForeign("Deployment", *a.Spec.ScaleTargetRef.Name)
	})
}

func (p *pass) isForeign(kind, name string) bool {
	return slices.ContainsFunc(p.foreign, func(f Foreign) bool { return f.Kind == kind && f.Name == name })
}

// ownsReplicas says whether we own the count and it is this one.
func ownsReplicas(live *appsv1.Deployment, count int32) bool {
	owned, err := appsv1ac.ExtractDeployment(live, ReplicasManager)
	return err == nil && owned.Spec != nil && owned.Spec.Replicas != nil && *owned.Spec.Replicas == count
}
