package status

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/release"
	"chatpdf.dev/operator/internal/stack"
)

const (
	// ProgressDeadline is for how long nothing may move before a person is asked; Deployments use
	// the same.
	ProgressDeadline = 600 * time.Second
	// lookAgain is how soon to look whether trouble is over that the operator is not told about.
	lookAgain = 10 * time.Second
	// lookAtSecrets is how often to look at Secrets that the spec names: to be told of changes the
	// operator would need the right to list every Secret of the cluster.
	lookAtSecrets = 30 * time.Second
)

// Facts are what a judgement goes by.
type Facts struct {
	Observed *observe.Observed
	// Release that runs; zero if none could be decided.
	Release release.Release
	// Database is the decision about the replica set, Availability whether it serves, Members how
	// its members are.
	Database     mongodb.Decision
	Availability mongodb.Availability
	Members      []mongodb.MemberState
	// Health is whether every member does its part.
	Health mongodb.Health
	// LeftVolumes are claims that no member uses.
	LeftVolumes []string
	// Certificates is how the database's certificates go on.
	Certificates stack.CertificatePlan
	// Keyfile is how the members' keyfile goes on.
	Keyfile stack.KeyfilePlan
	// Blockers are what kept the pass from doing its work, most important first.
	Blockers []Trouble
	// HeldBack is a change of the database that is not taken up; nil if there is none.
	HeldBack *Trouble
	// Changed says that this pass has written objects: how they are now has yet to be seen.
	Changed bool
	// StepFailed is why the database's step of this pass failed; nil if it did not.
	StepFailed *Trouble
	Now        time.Time
}

// Judge works out the status, and after what time to look again if nothing happens; 0 means never.
func Judge(f Facts) (v1alpha1.ChatPDFDeploymentStatus, time.Duration) {
	d := f.Observed.Deployment
	next := *d.Status.DeepCopy()
	if undecided(f) {
		return next, lookAgain
	}
	next.ObservedGeneration = d.Generation
	var parts []part
	if f.Database.Reason != "" { // else nothing could be decided, and what was seen of the parts last stands
		parts = []part{databasePart(f), backendPart(f.Observed), frontendPart(f.Observed)}
		mirror(&next, f)
	}

	c := conditions{list: &next.Conditions, generation: d.Generation, now: f.Now}
	c.remove(v1alpha1.ConditionSuspended)
	for _, p := range parts {
		c.set(p.condition, truth(p.available), p.reason, p.message)
	}
	if len(parts) > 0 {
		c.health(f.Health)
		c.disk(f)
	}
	again := sooner(sooner(c.whole(f, parts), c.backups(&next.Backup, f)), sooner(c.certificate(f), rotation(f)))
	if tls := d.Spec.MongoDB.TLS; d.Spec.LLM.APIKeySecretRef != nil || tls.CertificateSecretRef != nil || tls.IssuerRef != nil || d.Spec.MongoDB.External != nil {
		again = sooner(again, lookAtSecrets)
	}
	return next, again
}

// undecided says that the operator has just started and knows nothing of a database that it knew
// before: what was judged last stands until the watcher has asked.
func undecided(f Facts) bool {
	d := f.Observed.Deployment
	return f.Availability.Reason == mongodb.ReasonNotObservedYet && len(f.Blockers) == 0 &&
		d.Status.ObservedGeneration == d.Generation && meta.IsStatusConditionTrue(d.Status.Conditions, v1alpha1.ConditionDatabaseAvailable)
}

// JudgeSuspended leaves everything as it was last seen and says that nobody looks.
func JudgeSuspended(d *v1alpha1.ChatPDFDeployment, now time.Time) v1alpha1.ChatPDFDeploymentStatus {
	next := *d.Status.DeepCopy()
	next.ObservedGeneration = d.Generation
	c := conditions{list: &next.Conditions, generation: d.Generation, now: now}
	c.remove(v1alpha1.ConditionReconciling)
	c.remove(v1alpha1.ConditionStalled)
	c.set(v1alpha1.ConditionSuspended, metav1.ConditionTrue, ReasonSuspended,
		"The operator changes nothing while spec.suspend is true. What runs goes on running.")
	return next
}

// whole sets Ready, Reconciling and Stalled.
func (c conditions) whole(f Facts, parts []part) time.Duration {
	worst, serving := assess(f, parts)
	switch {
	case worst == nil:
		c.remove(v1alpha1.ConditionReconciling)
		c.remove(v1alpha1.ConditionStalled)
		c.set(v1alpha1.ConditionReady, metav1.ConditionTrue, ReasonReady, "Serving at "+stack.InternalURL(f.Observed.Deployment)+".")
		return 0
	case worst.NeedsPerson:
		c.stall(worst.Reason, worst.Message)
		return again(*worst, 0)
	}
	left := c.deadline(parts)
	if left <= 0 {
		c.stall(ReasonProgressDeadlineExceeded, fmt.Sprintf("Nothing has moved for %s: %s", ProgressDeadline, worst.Message))
		return again(*worst, 0)
	}
	c.remove(v1alpha1.ConditionStalled)
	c.set(v1alpha1.ConditionReconciling, metav1.ConditionTrue, worst.Reason, worst.Message)
	ready := metav1.ConditionFalse
	if serving {
		ready = metav1.ConditionUnknown
	}
	c.set(v1alpha1.ConditionReady, ready, worst.Reason, worst.Message)
	return again(*worst, left)
}

// assess finds what to report first: what only a person can solve, then known trouble, then what is
// merely unfinished; within each the database first, because the others wait for it.
func assess(f Facts, parts []part) (worst *Trouble, serving bool) {
	candidates := slices.Clone(f.Blockers)
	if trouble := secretTrouble(f.Observed); trouble != nil {
		candidates = append(candidates, *trouble)
	}
	var unfinished []Trouble
	serving = true
	for _, p := range parts {
		serving = serving && p.available
		switch {
		case p.trouble != nil:
			candidates = append(candidates, *p.trouble)
		case !p.complete:
			unfinished = append(unfinished, Trouble{Reason: ReasonProgressing, Message: p.message})
		}
	}
	if trouble := keyfileTrouble(f.Observed); trouble != nil {
		candidates = append(candidates, *trouble)
	}
	if f.Keyfile.Waits != "" {
		unfinished = append(unfinished, Trouble{Reason: ReasonProgressing, Message: f.Keyfile.Waits})
	}
	if f.Changed {
		unfinished = append(unfinished, Trouble{Reason: ReasonProgressing, Message: "What the spec asks for has just been applied."})
	}
	candidates = append(candidates, unfinished...)
	for i := range candidates {
		if candidates[i].NeedsPerson {
			return &candidates[i], serving
		}
	}
	if len(candidates) == 0 {
		return nil, serving
	}
	return &candidates[0], serving
}

// again is the sooner of what is left of the deadline and the next look at what nobody tells us.
func again(t Trouble, left time.Duration) time.Duration {
	if t.Unwatched && (left == 0 || left > lookAgain) {
		return lookAgain
	}
	return left
}

// mirror copies what was seen.
func mirror(s *v1alpha1.ChatPDFDeploymentStatus, f Facts) {
	d := f.Observed.Deployment
	names := stack.NamesOf(d.Name)
	s.Endpoints = v1alpha1.EndpointsStatus{InternalURL: stack.InternalURL(d), AdminSecretName: names.AdminSecret}
	if f.Release.Name != "" {
		s.Release = v1alpha1.ReleaseStatus{
			Name: f.Release.Name, Revision: f.Release.Revision, Image: f.Release.Content.App.Image,
		}
	}
	s.Backend.Ready = ready(f.Observed, names.Backend, stack.MinReplicas(d.Spec.Backend))
	s.Frontend.Ready = ready(f.Observed, names.Frontend, stack.FrontendReplicas(d.Spec.Frontend))
	s.MongoDB = v1alpha1.MongoDBStatus{Image: f.Release.Content.Database.Image}
	if data := f.Observed.Database.FeatureCompatibility; data.Known() {
		s.MongoDB.FeatureCompatibilityVersion = data.String()
	}
	s.MongoDB.PasswordsSince, s.MongoDB.RetiredUsers = passwordsSince(f.Observed), retiredUsers(f.Observed)
	s.MongoDB.LeftVolumes, s.MongoDB.VolumeSize = f.LeftVolumes, f.Observed.LargestVolume()
	count := 0
	for _, m := range f.Members {
		if m.State == mongodb.StatePrimary || m.State == mongodb.StateSecondary {
			count++
		}
		s.MongoDB.Members = append(s.MongoDB.Members, v1alpha1.MongoDBMemberStatus{Name: m.Name, State: string(m.State), Lag: string(m.Lag)})
	}
	if d.Spec.MongoDB.External == nil {
		s.MongoDB.Ready = fmt.Sprintf("%d/%d", count, stack.Members(d.Spec))
	}
}

func ready(seen *observe.Observed, name string, needed int32) string {
	live := observe.Named(seen.Deployments, name)
	if live == nil {
		return fmt.Sprintf("0/%d", needed)
	}
	wanted := needed
	if live.Spec.Replicas != nil {
		wanted = max(needed, *live.Spec.Replicas)
	}
	return fmt.Sprintf("%d/%d", currentReady(live.Status), wanted)
}

func truth(b bool) metav1.ConditionStatus {
	if b {
		return metav1.ConditionTrue
	}
	return metav1.ConditionFalse
}

// conditions sets and removes conditions of one status.
type conditions struct {
	list       *[]metav1.Condition
	generation int64
	now        time.Time
}

func (c conditions) set(kind string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(c.list, metav1.Condition{
		Type: kind, Status: status, Reason: cmp.Or(reason, ReasonProgressing), Message: message,
		ObservedGeneration: c.generation, LastTransitionTime: metav1.NewTime(c.now),
	})
}

func (c conditions) remove(kind string) { meta.RemoveStatusCondition(c.list, kind) }

func (c conditions) stall(reason, message string) {
	c.remove(v1alpha1.ConditionReconciling)
	c.set(v1alpha1.ConditionStalled, metav1.ConditionTrue, reason, message)
	c.set(v1alpha1.ConditionReady, metav1.ConditionFalse, reason, message)
}

// deadline is how long the unfinished parts still have. It counts from when the operator began to
// work on this generation of the spec, or from the last time that something moved; a deadline that
// was exceeded stays so until the work is done or the spec changes.
func (c conditions) deadline(parts []part) time.Duration {
	if stalled := meta.FindStatusCondition(*c.list, v1alpha1.ConditionStalled); stalled != nil &&
		stalled.Reason == ReasonProgressDeadlineExceeded && stalled.ObservedGeneration == c.generation {
		return 0
	}
	since := c.now
	if r := meta.FindStatusCondition(*c.list, v1alpha1.ConditionReconciling); r != nil {
		if r.ObservedGeneration == c.generation {
			since = r.LastTransitionTime.Time
		} else {
			c.remove(v1alpha1.ConditionReconciling) // so that it counts from now
		}
	}
	unfinished := slices.DeleteFunc(slices.Clone(parts), func(p part) bool { return p.complete })
	if len(unfinished) > 0 && !slices.ContainsFunc(unfinished, func(p part) bool { return !p.patient }) {
		return ProgressDeadline
	}
	for _, p := range unfinished {
		if p.progressed.After(since) {
			since = p.progressed
		}
	}
	return since.Add(ProgressDeadline).Sub(c.now)
}
