package observe

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/stack"
)

// +kubebuilder:rbac:groups=chatpdf.dev,resources=chatpdfdeployments,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=services;serviceaccounts;pods;persistentvolumeclaims,verbs=get;list;watch
// +kubebuilder:rbac:groups=apps,resources=deployments;statefulsets;controllerrevisions,verbs=get;list;watch
// +kubebuilder:rbac:groups=batch,resources=cronjobs;jobs,verbs=get;list;watch
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch
// +kubebuilder:rbac:groups=autoscaling,resources=horizontalpodautoscalers,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=secrets;configmaps,verbs=get
// +kubebuilder:rbac:groups="",resources=events,verbs=list
// +kubebuilder:rbac:groups=storage.k8s.io,resources=storageclasses,verbs=list

// Observer reads.
type Observer struct {
	// Cache answers reads from the manager's cache, Secrets apart.
	Cache client.Reader
	// Live asks the API server.
	Live client.Reader
	// Snapshot is what the watcher of replica sets saw last.
	Snapshot func(types.NamespacedName) mongodb.Snapshot
}

// Observe reads everything about d. An error says what could not be read.
func (o Observer) Observe(ctx context.Context, d *v1alpha1.ChatPDFDeployment) (*Observed, error) {
	seen := &Observed{
		Deployment: d, Secrets: map[string]Secret{}, Warnings: map[types.UID]string{}, Certificates: map[string]stack.LiveCertificate{},
		Logins: map[string]stack.LiveLogin{},
	}
	seen.Database = o.Snapshot(types.NamespacedName{Namespace: d.Namespace, Name: d.Name})
	steps := []func(context.Context, *Observed) error{o.lists, o.secrets}
	if d.Spec.MongoDB.External == nil {
		steps = append(steps, o.issued, o.identity, o.statefulSet, o.claims, o.trouble)
	}
	for _, step := range steps {
		if err := step(ctx, seen); err != nil {
			return nil, err
		}
	}
	return seen, nil
}

// lists reads what carries the deployment's label.
func (o Observer) lists(ctx context.Context, seen *Observed) error {
	var (
		accounts    corev1.ServiceAccountList
		services    corev1.ServiceList
		deployments appsv1.DeploymentList
		sets        appsv1.StatefulSetList
		budgets     policyv1.PodDisruptionBudgetList
		autoscalers autoscalingv2.HorizontalPodAutoscalerList
		revisions   appsv1.ControllerRevisionList
		pods        corev1.PodList
		claims      corev1.PersistentVolumeClaimList
		cronJobs    batchv1.CronJobList
		jobs        batchv1.JobList
	)
	d := seen.Deployment
	for what, list := range map[string]client.ObjectList{
		"ServiceAccounts": &accounts, "Services": &services, "Deployments": &deployments, "StatefulSets": &sets,
		"PodDisruptionBudgets": &budgets, "HorizontalPodAutoscalers": &autoscalers, "ControllerRevisions": &revisions,
		"Pods": &pods, "PersistentVolumeClaims": &claims, "CronJobs": &cronJobs, "Jobs": &jobs,
	} {
		labels := client.MatchingLabels{stack.LabelInstance: d.Name, stack.LabelManagedBy: stack.ManagedBy}
		if err := o.Cache.List(ctx, list, client.InNamespace(d.Namespace), labels); err != nil {
			return fmt.Errorf("listing %s of %s/%s: %w", what, d.Namespace, d.Name, err)
		}
	}
	seen.ServiceAccounts, seen.Services, seen.Deployments = accounts.Items, services.Items, deployments.Items
	seen.StatefulSets, seen.Budgets, seen.Autoscalers = sets.Items, budgets.Items, autoscalers.Items
	seen.Revisions, seen.Pods, seen.CronJobs, seen.Jobs = revisions.Items, pods.Items, cronJobs.Items, jobs.Items
	for _, claim := range claims.Items {
		if claim.Labels[stack.LabelComponent] == stack.ComponentBackup {
			seen.BackupClaims = append(seen.BackupClaims, claim)
		} else {
			seen.Claims = append(seen.Claims, claim)
		}
	}
	return nil
}

// identity asks the API server: whoever initiates a replica set must not go by a stale answer.
func (o Observer) identity(ctx context.Context, seen *Observed) (err error) {
	d := seen.Deployment
	seen.Identity, err = get[corev1.ConfigMap](ctx, o.Live, d.Namespace, stack.NamesOf(d.Name).Identity)
	return err
}

// statefulSet makes sure that a StatefulSet that seems to be missing is missing.
func (o Observer) statefulSet(ctx context.Context, seen *Observed) error {
	if len(seen.StatefulSets) > 0 {
		return nil
	}
	d := seen.Deployment
	set, err := get[appsv1.StatefulSet](ctx, o.Live, d.Namespace, stack.NamesOf(d.Name).MongoDB)
	if set != nil {
		seen.StatefulSets = append(seen.StatefulSets, *set)
	}
	return err
}

// claims looks for volumes that the labels do not find, by the names that they would have: those of
// every member that should have one, and of every member that there could be while something is
// missing that is only ever made for new volumes.
func (o Observer) claims(ctx context.Context, seen *Observed) error {
	d, ordinals := seen.Deployment, int(stack.Members(seen.Deployment.Spec))
	if len(seen.StatefulSets) == 0 || !seen.complete {
		ordinals = mongodb.MaxMembers
	}
	for ordinal := range ordinals {
		name := mongodb.ClaimName(d.Name, ordinal)
		if Named(seen.Claims, name) != nil {
			continue
		}
		claim, err := get[corev1.PersistentVolumeClaim](ctx, o.Live, d.Namespace, name)
		if err != nil {
			return err
		}
		if claim != nil {
			seen.Claims = append(seen.Claims, *claim)
		}
	}
	return nil
}

// get reads one object; nil if there is none.
func get[T any, P interface {
	*T
	client.Object
}](ctx context.Context, reader client.Reader, namespace, name string) (P, error) {
	object := P(new(T))
	err := reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, object)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading %T %s/%s: %w", *object, namespace, name, err)
	}
	return object, nil
}
