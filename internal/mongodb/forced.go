package mongodb

import (
	"slices"
	"strings"
)

// forcedReconfiguration makes those that still hold the data the whole set, because a person says that the others are lost
// for good. Forcing goes round every guarantee that a majority gives: it is done once for each request, only while the set
// cannot elect a primary, and only once nothing that was left out can run, as it might still be part of a majority elsewhere.
func forcedReconfiguration(v view) *Decision {
	request := v.ForcedReconfiguration
	if request == "" || request == v.identity.ForcedReconfiguration {
		return nil
	}
	if v.majorityCanVote() {
		if v.Database.Primary == "" {
			return nil // they are about to elect one
		}
		identity := v.record()
		identity.ForcedReconfiguration = request
		return take(Step{Kind: RecordIdentity, ReplicaSetID: identity.ReplicaSetID, Identity: &identity},
			"Noting that forced reconfiguration %q is done with: there is a primary.", request)
	}
	if v.Database.Primary != "" {
		return nil // it has yet to notice that it lost its majority
	}
	var hosts, names []string
	for _, m := range v.inConfig() {
		c, _ := v.configured(m)
		switch {
		case c.Votes > 0 && v.serves(m):
			hosts, names = append(hosts, m.Host), append(names, v.name(m))
		case v.fenced(m):
			return stall(ReasonLostMemberMayRun, "Forced reconfiguration %q waits: %s is fenced, and would be left out. Take it out of spec.mongodb.fencedMembers first.", request, v.name(m))
		case v.mayRun(m):
			return stall(ReasonLostMemberMayRun,
				"Forced reconfiguration %q waits: %s (%s) may still run, and be part of a majority that cannot be seen from here. If it is lost for good, delete its pod; if its node is gone, with `kubectl delete pod %s --force`.",
				request, v.name(m), v.state(m), v.name(m))
		}
	}
	if len(hosts) == 0 {
		return nil
	}
	return take(Step{Kind: ForceReconfiguration, Host: hosts[0], ReplicaSetID: v.identity.ReplicaSetID, Healthy: hosts},
		"Forcing a configuration of %s alone, as forced reconfiguration %q asks for.", strings.Join(names, ", "), request)
}

// majorityCanVote says that enough voters answer to elect a primary among themselves. One that copies the data may vote too
// (https://www.mongodb.com/docs/manual/reference/replica-states/).
func (v view) majorityCanVote() bool {
	states := []State{StatePrimary, StateSecondary, StateStartup2, StateRecovering, StateRollback}
	voters, can := 0, 0
	for _, m := range v.inConfig() {
		if c, _ := v.configured(m); c.Votes == 0 {
			continue
		}
		voters++
		if slices.Contains(states, v.state(m)) {
			can++
		}
	}
	return can > voters/2
}

// mayRun says that a member which does not serve could nevertheless take part in an election: its pod is there, and it does
// not itself say that it holds nothing yet.
func (v view) mayRun(m Member) bool {
	empty := v.probe(m).Reached && slices.Contains([]State{StateNotYetInitialized, StateStartup2, StateRemoved}, v.state(m))
	return m.PodUID != "" && (m.PodRunning || m.PodTerminating) && !empty
}
