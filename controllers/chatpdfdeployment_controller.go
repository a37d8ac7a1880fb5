package controllers

import (
	"context"
	"errors"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/apply"
	"chatpdf.dev/operator/internal/mongodb/replset"
	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/stack"
	"chatpdf.dev/operator/internal/status"
)

// afterWrite is when to look again after a write or a step of the database, if its effect wakes nobody
// sooner.
const afterWrite = 250 * time.Millisecond

// ChatPDFDeploymentReconciler makes what runs what a ChatPDFDeployment asks for.
type ChatPDFDeploymentReconciler struct {
	// Client reads from the cache, Secrets apart.
	Client   client.Client
	Observer observe.Observer
	Apply    *apply.Writer
	Status   *status.Writer
	Watcher  *replset.Watcher
	// Dial is how the database's members are reached; nil dials them by name.
	Dial   replset.DialFunc
	Config stack.Config
	Clock  clock.PassiveClock
}

// Reconcile is one pass.
func (r *ChatPDFDeploymentReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	d := &v1alpha1.ChatPDFDeployment{}
	if err := r.Client.Get(ctx, request.NamespacedName, d); err != nil {
		if apierrors.IsNotFound(err) {
			r.forget(request.NamespacedName)
			return ctrl.Result{}, nil
		}
		return ctrl.Result{}, err
	}
	switch {
	case d.DeletionTimestamp != nil:
		// Whoever deletes it in the foreground waits for what it owns to go: nothing may be made again.
		r.forget(request.NamespacedName)
		return ctrl.Result{}, nil
	case ptr.Deref(d.Spec.Suspend, false):
		return ctrl.Result{}, r.suspended(ctx, d)
	}
	seen, err := r.Observer.Observe(ctx, d)
	if err != nil {
		return ctrl.Result{}, err
	}
	return r.reconcile(ctx, seen)
}

// suspended changes nothing but this: data that are to be kept are, even if the deployment is deleted next.
func (r *ChatPDFDeploymentReconciler) suspended(ctx context.Context, d *v1alpha1.ChatPDFDeployment) error {
	seen, err := r.Observer.Observe(ctx, d)
	if err != nil {
		return err
	}
	if err := r.Apply.Retain(ctx, seen, seen.ToRetain()); err != nil {
		return err
	}
	return r.Status.Write(ctx, d, status.JudgeSuspended(d, r.Clock.Now()))
}

func (r *ChatPDFDeploymentReconciler) reconcile(ctx context.Context, seen *observe.Observed) (ctrl.Result, error) {
	now := r.Clock.Now()
	plan := makePlan(seen, r.Config, now)
	outcome := r.carryOut(ctx, seen, plan)
	r.Status.Metrics.Certificates(client.ObjectKeyFromObject(seen.Deployment), seen.Certificates)
	judgement, again := status.Judge(status.Facts{
		Observed:     seen,
		Release:      plan.release.Current,
		Database:     plan.decision,
		Availability: plan.availability,
		Members:      plan.members,
		Health:       plan.health,
		LeftVolumes:  plan.left,
		Certificates: plan.certificates,
		Keyfile:      plan.keyfile,
		Blockers:     slices.Concat(plan.blockers, outcome.blockers, outcome.troubles),
		HeldBack:     plan.heldBack,
		Changed:      outcome.changed,
		StepFailed:   outcome.stepFailed,
		Now:          now,
	})
	runsWell := plan.decision.Settled && plan.availability.Available && plan.heldBack == nil && !outcome.changed
	if outcome.err == nil && len(outcome.blockers) == 0 && runsWell && !plan.release.Current.Proven {
		outcome.err = r.Apply.Release(ctx, seen, plan.objects.Owner, plan.release.Prove())
	}
	if err := errors.Join(outcome.err, r.Status.Write(ctx, seen.Deployment, judgement)); err != nil {
		return ctrl.Result{}, err
	}
	if outcome.stepped || outcome.changed {
		again = afterWrite
	}
	return ctrl.Result{RequeueAfter: again}, nil
}

func (r *ChatPDFDeploymentReconciler) forget(key types.NamespacedName) {
	r.Watcher.Forget(key)
	r.Status.Metrics.Forget(key)
}
