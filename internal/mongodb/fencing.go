package mongodb

import "slices"

// toFence are the pods of the members whose mongod is not to run.
func (v view) toFence() []string {
	var names []string
	for _, ordinal := range v.Fenced {
		names = append(names, PodName(v.Deployment, ordinal))
	}
	slices.Sort(names)
	return names
}

// fenced says that the member's mongod may not run, as far as is recorded.
func (v view) fenced(m Member) bool { return slices.Contains(v.identity.Fenced, v.name(m)) }

// stopped says that a fenced member's mongod does not run, by the word of the agent in that very pod. In one that is about to
// go it may be at its last writes, and answers nobody.
func (v view) stopped(m Member) bool {
	report := v.Database.Reports[m.Host]
	return v.fenced(m) && m.PodRunning && !v.probe(m).Reached && report.Stopped && report.PodUID == m.PodUID
}

// released lets members start that are not to be fenced any more; it asks for no primary, which may be what they are needed for.
func released(v view) *Decision {
	wanted := v.toFence()
	for i, name := range v.identity.Fenced {
		if slices.Contains(wanted, name) {
			continue
		}
		identity := v.record()
		identity.Fenced = slices.Delete(slices.Clone(v.identity.Fenced), i, i+1)
		return take(Step{Kind: RecordIdentity, ReplicaSetID: identity.ReplicaSetID, Identity: &identity}, "Letting %s start again.", name)
	}
	return nil
}

// fencing keeps the mongod of a member from running, because a person wants it so: first it is recorded where the member's
// agent reads it, then the pod is restarted by role, and the new one does not start mongod.
func fencing(v view) *Decision {
	for _, m := range v.inConfig() {
		if slices.Contains(v.toFence(), v.name(m)) && !v.fenced(m) {
			return v.fence(m)
		}
	}
	for _, m := range v.inConfig() {
		if v.fenced(m) && !v.stopped(m) {
			return v.stop(m)
		}
	}
	return nil
}

// fence records it, if the others are a majority without those that are fenced.
func (v view) fence(m Member) *Decision {
	if refusal := v.neededVoter(m); refusal != nil {
		return refusal
	}
	if obstacle := v.unfit(m); obstacle != nil {
		return obstacle
	}
	identity := v.record()
	identity.Fenced = append(slices.Clone(identity.Fenced), v.name(m))
	return take(Step{Kind: RecordIdentity, ReplicaSetID: identity.ReplicaSetID, Identity: &identity}, "Fencing %s.", v.name(m))
}

// unfit says why the member's agent would not keep mongod from starting; nil if it would.
func (v view) unfit(m Member) *Decision {
	switch report, known := v.Database.Reports[m.Host]; {
	case !known || !report.Mute && report.PodUID != m.PodUID:
		return wait(ReasonMemberFencing, "%s is to be fenced; its agent has not answered yet.", v.name(m))
	case !report.Fences:
		return stall(ReasonFenceRefused, "%s cannot be fenced: its pod is of a release that could not do that yet. Take it out of spec.mongodb.fencedMembers; another image or other resources of the database bring pods that can.", v.name(m))
	}
	return nil
}

// neededVoter says that without this member, and all that are fenced, no majority would serve; nil if one would.
func (v view) neededVoter(m Member) *Decision {
	voters, others, serve := 0, 0, 0
	for _, other := range v.inConfig() {
		if c, _ := v.configured(other); c.Votes == 0 {
			continue
		}
		voters++
		if other.Host == m.Host || v.fenced(other) {
			continue
		}
		others++
		if v.serves(other) {
			serve++
		}
	}
	switch {
	case others <= voters/2:
		return stall(ReasonFenceRefused, "Without %s there would be no majority of the %d voters. Take it out of spec.mongodb.fencedMembers.", v.name(m), voters)
	case serve <= voters/2:
		return wait(ReasonQuorumAtRisk, "Fencing %s now would leave no healthy majority. Not serving: %s.", v.name(m), v.notServing())
	}
	return nil
}

// stop restarts the pod of a fenced member whose mongod runs, once its agent knows.
func (v view) stop(m Member) *Decision {
	if !m.PodRunning {
		return wait(ReasonMemberRestarting, "%s is fenced; its pod is on its way.", v.name(m))
	}
	if obstacle := v.unfit(m); obstacle != nil {
		return obstacle
	}
	if !v.Database.Reports[m.Host].Fenced {
		return wait(ReasonMemberFencing, "%s is to be fenced; its node has yet to bring it word, which takes a minute or two.", v.name(m))
	}
	if refusal := v.neededVoter(m); refusal != nil {
		return refusal
	}
	var others []string
	for _, other := range v.inConfig() {
		switch {
		case other.Host == m.Host || v.fenced(other):
		case !v.serves(other):
			return wait(ReasonQuorumAtRisk, "%s is stopped when all others serve. Not serving: %s.", v.name(m), v.notServing())
		case !v.caughtUp(other):
			return wait(ReasonMemberLagging, "%s is behind the primary; %s is stopped when it has caught up.", v.name(other), v.name(m))
		default:
			others = append(others, other.Host)
		}
	}
	if m.Host == v.Database.Primary {
		return v.stepDown(m, others...)
	}
	return v.restart(m, v.state(m), others, "it is fenced")
}
