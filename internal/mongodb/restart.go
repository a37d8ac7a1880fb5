package mongodb

import "slices"

// lostPods are pods of an old template that cannot do any harm by going: they do not run the
// database, or hold nothing yet. With OnDelete nobody else would ever replace them. One at a
// time, and not while an up-to-date pod does not answer: a template that cannot start stops at
// the first member.
func lostPods(v view) *Decision {
	for _, m := range v.Members {
		if m.PodUID != "" && !m.PodOutdated && !v.fenced(m) && (m.PodTerminating || !v.probe(m).Reached) {
			return nil
		}
		if m.PodTerminating {
			return nil
		}
	}
	for _, m := range v.Members {
		if m.PodUID == "" || !m.PodOutdated || v.fenced(m) {
			continue // somebody may be at work in a fenced one
		}
		state := v.state(m)
		probe, asked := v.Database.Probes[m.Host]
		_, in := v.configured(m)
		chosen := v.identity.Intent != nil && v.identity.Intent.Host == m.Host
		down := asked && !probe.Reached && !m.PodReady && state != StatePrimary && state != StateSecondary
		idle := state == StateNotYetInitialized && !in && !chosen
		switch {
		case down:
			return v.restart(m, StateUnreachable, nil, madeBefore)
		case idle:
			return v.restart(m, state, nil, madeBefore)
		}
	}
	return nil
}

// rolloutSeen: until the StatefulSet's controller has taken the newest template up, no pod is known to be
// outdated, and none to be up to date.
func rolloutSeen(v view) *Decision {
	if !v.RolloutUnseen {
		return nil
	}
	return wait(ReasonRolloutPending, "StatefulSet %s has yet to take up what was asked of it last.", StatefulSetName(v.Deployment))
}

// outdatedPods are restarted by role: secondaries first, each only while all other members serve
// and are caught up, the primary last, after it has stepped down.
func outdatedPods(v view) *Decision {
	var outdated []Member
	for _, m := range v.inConfig() {
		if m.PodOutdated && m.PodUID != "" {
			outdated = append(outdated, m)
		}
	}
	if len(outdated) == 0 {
		return nil
	}
	members := v.inConfig()
	for _, m := range members {
		if v.fenced(m) {
			return wait(ReasonMemberFenced, "%s is fenced; restarts wait until it is not.", v.name(m))
		}
	}
	for _, m := range members {
		if !v.caughtUp(m) {
			return wait(ReasonMemberLagging, "%s is behind the primary; the next restart waits until it has caught up.", v.name(m))
		}
	}
	for _, m := range slices.Backward(outdated) {
		if m.Host != v.Database.Primary {
			return v.restart(m, StateSecondary, hostsExcept(members, m.Host), madeBefore)
		}
	}
	if len(members) == 1 {
		return v.restart(outdated[0], StatePrimary, nil, madeBefore)
	}
	return v.stepDown(outdated[0], hostsExcept(members, outdated[0].Host)...)
}

// madeBefore is why pods are restarted that nobody asked for in person.
const madeBefore = "its pod was made from an older template, or with an older keyfile"

func (v view) restart(m Member, expect State, healthy []string, because string) *Decision {
	return take(Step{Kind: RestartMember, Host: m.Host, Expect: expect, Healthy: healthy, Pod: &PodRef{Name: v.name(m), UID: m.PodUID}},
		"Restarting %s: %s.", v.name(m), because)
}
