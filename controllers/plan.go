package controllers

import (
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"

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
	health       mongodb.Health
	left         []string
	hosts        []string
	fenced       []string
	objects      stack.Objects
	certificates stack.CertificatePlan
	keyfile      stack.KeyfilePlan
	rotations    []stack.Rotation
	heldBack     *status.Trouble
	blockers     []status.Trouble
}

// makePlan is pure.
func makePlan(seen *observe.Observed, config stack.Config, now time.Time) plan {
	var p plan
	d := seen.Deployment
	for _, kept := range seen.Kept() {
		if kept.Owner != nil && kept.Owner.UID != d.UID {
			p.blockers = append(p.blockers, status.Conflict(d, kept.Kind, kept.Name, *kept.Owner))
			return p
		}
	}
	history, err := release.History(seen.Revisions, d.UID)
	if err != nil {
		return p.blocked(err)
	}
	accepted := release.Accepted(history)
	content := release.Adopt(accepted, stack.Candidate(d, config, accepted))
	if external := d.Spec.MongoDB.External; external != nil {
		p.release = release.Decide(history, content, d.Name, d.UID)
		p.decision, p.availability, p.health = mongodb.JudgeExternal(external.URISecretRef.Name, seen.Database.External)
		p.objects = stack.Build(input(seen, content, config))
		return p
	}
	database, err := seen.MongoDB(content.ClusterDomain)
	if err != nil {
		return p.blocked(err)
	}
	for _, login := range seen.Logins {
		database.ReplacedUsersStay = database.ReplacedUsersStay || now.Before(login.SettlesAt())
	}
	owned, err := ownedStatefulSet(seen)
	if err != nil {
		return p.blocked(err)
	}
	content, p.heldBack = databaseToRun(seen, owned, database, history, content, now)
	if p.heldBack != nil && content.Database.Template == nil {
		p.blockers = append(p.blockers, *p.heldBack)
		return p
	}
	p.release = release.Decide(history, content, d.Name, d.UID)
	database.Image = content.Database.Image
	database.AgentImage, database.TemplateAgentImage = config.AgentImage, stack.TemplateAgentImage(content.Database.Template)
	p.decision = mongodb.Next(database)
	p.availability = mongodb.Available(database)
	p.members = mongodb.States(database)
	p.health = mongodb.Healthy(database)
	p.left = mongodb.Left(database)
	p.hosts, p.fenced = mongodb.Hosts(database), mongodb.FencedHosts(database)
	in := input(seen, content, config)
	in.Members, in.LiveStatefulSet = mongodb.Replicas(database), owned
	p.objects = stack.Build(in)
	p.keyfile = p.objects.Keyfile(d.Spec.MongoDB.KeyfileRotation, seen.Keyfile, memberReports(database), p.decision.Settled)
	p.certificates = p.objects.Certificates(d.Spec.MongoDB.TLS, seen.Trust, memberReports(database), now)
	if seen.Database.SecretsVersion == secretsVersion(seen) { // else the database was asked by other Secrets
		p.rotations = p.objects.Rotations(d.Spec.MongoDB.PasswordRotation, seen.Logins, seen.Database, now)
	}
	return p
}

// input is what objects are made from, whoever runs the database.
func input(seen *observe.Observed, content release.Content, config stack.Config) stack.Input {
	backend := stack.NamesOf(seen.Deployment.Name).Backend
	in := stack.Input{
		Deployment: seen.Deployment, Owner: seen.Owner(), Release: content, AgentImage: config.AgentImage,
		AutoscalerExists: observe.Named(seen.Autoscalers, backend) != nil,
	}
	if live := observe.Named(seen.Deployments, backend); live != nil && live.Spec.Replicas != nil {
		in.LiveBackendReplicas = *live.Spec.Replicas
	}
	return in
}

// memberReports are what the members that run go by. One that is no part of the replica set holds nobody up.
func memberReports(database mongodb.Observed) []stack.MemberReport {
	var members []stack.MemberReport
	for _, m := range database.Members {
		if !m.PodRunning || !database.Database.Config.Holds(m.Host) {
			continue // it reads the Secrets as they are when it starts
		}
		report, known := database.Database.Reports[m.Host]
		known = known && (report.Mute || report.PodUID == m.PodUID)
		members = append(members, stack.MemberReport{Host: m.Host, Known: known, Report: report})
	}
	return members
}

// databaseToRun is content with the database's half that may run: not an image that would not open the
// data, nor a template with which a member did not start. The trouble says what the spec asks for in vain.
func databaseToRun(seen *observe.Observed, owned *appsv1ac.StatefulSetApplyConfiguration, database mongodb.Observed,
	history []release.Release, content release.Content, now time.Time) (release.Content, *status.Trouble) {
	accepted := release.Accepted(history).Database
	if refusal := mongodb.ExchangeOf(database, accepted.Image, content.Database.Image).Refuses(); refusal != nil {
		content.Database = accepted
		return content, status.Refused(*refusal)
	}
	// Only what the members were made from is to blame, not what was asked for since.
	tried := content.Database.Inputs == accepted.Inputs && owned != nil && owned.Spec != nil &&
		equality.Semantic.DeepEqual(owned.Spec.Template, accepted.Template)
	if because := status.MemberNotStarting(seen, now); because != "" && tried {
		opens := func(image string) bool {
			return mongodb.ExchangeOf(database, content.Database.Image, image).Refuses() == nil
		}
		content, _ = release.GoBack(history, content, because, opens)
	}
	if content.Database.GoneBack != nil {
		return content, status.WentBack(content.Database)
	}
	return content, nil
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
