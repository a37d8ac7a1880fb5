package controllers

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/apply"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/release"
	"chatpdf.dev/operator/internal/stack"
	"chatpdf.dev/operator/internal/status"
)

// plan is everything that one pass decided. With blockers it may be incomplete, and then nothing of
// it may be carried out.
type plan struct {
	release      release.Decision
	decision     mongodb.Decision
	availability mongodb.Availability
	members      []mongodb.MemberState
	hosts        []string
	objects      stack.Objects
	blockers     []status.Trouble
}

// makePlan is pure.
func makePlan(seen *observe.Observed, config stack.Config) plan {
	var p plan
	d := seen.Deployment
	history, err := release.History(seen.Revisions, d.UID)
	if err != nil {
		return p.blocked(err)
	}
	p.release = release.Decide(history, stack.Candidate(d, config, release.Accepted(history)), d.Name, d.UID)
	content := p.release.Current.Content
	database, err := seen.MongoDB(content.ClusterDomain)
	if err != nil {
		return p.blocked(err)
	}
	owned, err := ownedStatefulSet(seen)
	if err != nil {
		return p.blocked(err)
	}
	p.decision = mongodb.Next(database)
	p.availability = mongodb.Available(database)
	p.members = mongodb.States(database)
	for _, m := range database.Members {
		p.hosts = append(p.hosts, m.Host)
	}
	names := stack.NamesOf(d.Name)
	in := stack.Input{
		Deployment:       d,
		Owner:            ownerOf(d),
		Release:          content,
		Members:          mongodb.Replicas(database),
		LiveStatefulSet:  owned,
		AutoscalerExists: observe.Named(seen.Autoscalers, names.Backend) != nil,
	}
	if backend := observe.Named(seen.Deployments, names.Backend); backend != nil && backend.Spec.Replicas != nil {
		in.LiveBackendReplicas = *backend.Spec.Replicas
	}
	p.objects = stack.Build(in)
	return p
}

func (p plan) blocked(err error) plan {
	p.blockers = append(p.blockers, status.Unreadable(err))
	return p
}

// ownedStatefulSet is what we own in the database's StatefulSet; nil if there is none.
func ownedStatefulSet(seen *observe.Observed) (*appsv1ac.StatefulSetApplyConfiguration, error) {
	set := seen.StatefulSet()
	if set == nil {
		return nil, nil
	}
	return appsv1ac.ExtractStatefulSet(set, apply.Manager)
}

func ownerOf(d *v1alpha1.ChatPDFDeployment) metav1.OwnerReference {
	return metav1.OwnerReference{
		APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.Kind, Name: d.Name, UID: d.UID,
	}
}
