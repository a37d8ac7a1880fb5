package status

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/stack"
)

// part is the judgement of one component.
type part struct {
	condition string
	// available: it serves. complete: it is as the spec asks.
	available, complete bool
	reason, message     string
	trouble             *Trouble
	// patient work takes as long as it takes: no deadline.
	patient bool
	// progressed is when something last moved, if that is known.
	progressed time.Time
}

// newPart words the judgement; trouble only counts for a part that is not complete.
func newPart(condition string, available, complete bool, message string, trouble *Trouble) part {
	p := part{condition: condition, available: available, complete: complete, reason: ReasonProgressing, message: message}
	switch {
	case complete:
		p.reason = ReasonAvailable
	case trouble != nil:
		p.trouble, p.reason, p.message = trouble, trouble.Reason, trouble.Message
	}
	return p
}

func backendPart(seen *observe.Observed) part {
	spec := seen.Deployment.Spec.Backend
	return deploymentPart(seen, v1alpha1.ConditionBackendAvailable, stack.NamesOf(seen.Deployment.Name).Backend,
		stack.ComponentBackend, stack.MinReplicas(spec))
}

func frontendPart(seen *observe.Observed) part {
	spec := seen.Deployment.Spec.Frontend
	return deploymentPart(seen, v1alpha1.ConditionFrontendAvailable, stack.NamesOf(seen.Deployment.Name).Frontend,
		stack.ComponentFrontend, stack.FrontendReplicas(spec))
}

// deploymentPart judges a Deployment. It serves with one pod; it is complete when all pods are of the
// newest template and as many are ready as the spec asks for, which for an autoscaled one is the
// least: what the autoscaler adds is not waited for.
func deploymentPart(seen *observe.Observed, condition, name, component string, needed int32) part {
	live := observe.Named(seen.Deployments, name)
	if live == nil {
		return newPart(condition, false, false, fmt.Sprintf("Deployment %s is being created.", name), nil)
	}
	s := live.Status
	available := s.AvailableReplicas > 0
	complete := s.ObservedGeneration >= live.Generation && s.Replicas == s.UpdatedReplicas && s.AvailableReplicas >= needed
	trouble := podsTrouble(seen.Pods, component, "spec."+component)
	if refused := refusal(live); refused != nil {
		trouble = refused
	}
	message := fmt.Sprintf("%d of %d pods of Deployment %s are ready.", currentReady(s), max(needed, s.Replicas), name)
	if complete {
		message = fmt.Sprintf("The pods of Deployment %s are ready.", name)
	}
	p := newPart(condition, available, complete, message, trouble)
	for _, c := range s.Conditions {
		if c.Type == appsv1.DeploymentProgressing {
			p.progressed = c.LastUpdateTime.Time
		}
	}
	return p
}

// currentReady counts ready pods of the newest template. A Deployment does not tell; but with
// maxUnavailable 0 it keeps every old pod that is ready until a new one is.
func currentReady(s appsv1.DeploymentStatus) int32 {
	return max(0, s.ReadyReplicas-(s.Replicas-s.UpdatedReplicas))
}

func refusal(live *appsv1.Deployment) *Trouble {
	for _, c := range live.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			return podsRefused("Deployment "+live.Name, c.Message)
		}
	}
	return nil
}

func podsRefused(object, why string) *Trouble {
	return &Trouble{Reason: ReasonPodsRefused, Message: fmt.Sprintf(
		"Pods of %s are refused: %s. Raise the quota or change the policy that it names.", object, words(why))}
}

// databasePart judges the replica set: whether it serves is what its members say, not what its pods
// look like.
func databasePart(f Facts) part {
	grows := growing(f.Observed)
	complete := f.Database.Settled && f.Availability.Available && f.HeldBack == nil && grows == ""
	message, reason := f.Database.Message, f.Database.Reason
	switch {
	case f.Database.Settled && f.Availability.Available && grows != "":
		message, reason = grows, ReasonVolumeGrowing
	case f.Database.Settled:
		message, reason = f.Availability.Message, f.Availability.Reason
	}
	p := newPart(v1alpha1.ConditionDatabaseAvailable, f.Availability.Available, complete, message, databaseTrouble(f))
	if !complete && p.trouble == nil {
		p.reason = reason
	}
	for i := range f.Observed.Pods {
		pod := &f.Observed.Pods[i]
		if made := pod.CreationTimestamp.Time; pod.Labels[stack.LabelComponent] == stack.ComponentMongoDB && made.After(p.progressed) {
			p.progressed = made // a restart is a move, however many there are to come
		}
	}
	p.patient = f.Database.Reason == mongodb.ReasonMemberSyncing || f.Database.Reason == mongodb.ReasonMemberLagging ||
		f.Database.Reason == mongodb.ReasonMemberFenced || grows != ""
	return p
}

func databaseTrouble(f Facts) *Trouble {
	if f.Database.Stalled {
		return &Trouble{Reason: f.Database.Reason, Message: f.Database.Message, NeedsPerson: true, Unwatched: true}
	}
	if trouble := volumesTrouble(f.Observed); trouble != nil {
		return trouble
	}
	if f.HeldBack != nil {
		return f.HeldBack
	}
	if trouble := growthTrouble(f.Observed); trouble != nil {
		return trouble
	}
	if set := f.Observed.StatefulSet(); set != nil {
		if warning := f.Observed.Warnings[set.UID]; warning != "" {
			return podsRefused("StatefulSet "+set.Name, warning)
		}
	}
	if trouble := podsTrouble(f.Observed.Pods, stack.ComponentMongoDB, "spec.mongodb"); trouble != nil {
		trouble.Unwatched = true // that it lasts is what members go back for, and nobody tells that
		return trouble
	}
	return f.StepFailed
}
