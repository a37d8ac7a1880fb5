package mongodb

import (
	"slices"
	"strings"
)

// forcedReconfiguration makes those that still hold the data the whole set, because a person says that the others are lost
// for good. Forcing goes round every guarantee that a majority gives: it is done once for each request, only while the set
// cannot elect a primary, and only once nothing that is left out can come back with what it holds: that might be the newest
// writes, or part of a majority that cannot be seen from here.
func forcedReconfiguration(v view) *Decision {
	request := v.ForcedReconfiguration
	if request == "" || request == v.identity.ForcedReconfiguration {
		return nil
	}
	identity := v.record()
	identity.ForcedReconfiguration = request
	if v.majorityCanVote() {
		if v.Database.Primary == "" {
			return nil // they are about to elect one
		}
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
		case c.Votes == 0: // its word never counted
		case v.serves(m):
			hosts, names = append(hosts, m.Host), append(names, v.name(m))
		case v.fenced(m):
			return stall(ReasonMemberMayComeBack, "Forced reconfiguration %q waits: %s is fenced, and would be left out. Take it out of spec.mongodb.fencedMembers first.", request, v.name(m))
		case !v.lost(m, c):
			return stall(ReasonMemberMayComeBack,
				"Forced reconfiguration %q waits: %s (%s) may come back with what it holds. Bring it back; or, if its volume is lost for good, delete volume claim %s and its pod, where the node is gone with `kubectl delete pod %s --force`.",
				request, v.name(m), v.state(m), ClaimName(v.Deployment, m.Ordinal), v.name(m))
		}
	}
	if len(hosts) == 0 {
		return nil
	}
	return take(Step{Kind: ForceReconfiguration, Host: hosts[0], ReplicaSetID: v.identity.ReplicaSetID, Healthy: hosts, Identity: &identity},
		"Forcing a configuration of %s alone, as forced reconfiguration %q asks for.", strings.Join(names, ", "), request)
}

// majorityCanVote says that enough voters answer to elect a primary among themselves. One that copies the data may vote too
// (https://www.mongodb.com/docs/manual/reference/replica-states/). Which votes the server holds back it does not tell: they are
// taken to be among those that answer.
func (v view) majorityCanVote() bool {
	states := []State{StatePrimary, StateSecondary, StateStartup2, StateRecovering, StateRollback}
	votes, can := 0, 0
	for _, m := range v.inConfig() {
		if c, _ := v.configured(m); c.Votes == 0 {
			continue
		}
		votes++
		if slices.Contains(states, v.state(m)) {
			can++
		}
	}
	voters := v.Database.Config.Voters
	return can-(votes-voters) > voters/2
}

// lost says that a member cannot come back with what it held: it answers and is empty, or the volume on which it was that
// member is no longer there, and no process can have it open still.
func (v view) lost(m Member, c ConfigMember) bool {
	if v.probe(m).Reached {
		return holdsNothing(v.state(m))
	}
	if m.ClaimUID == "" {
		return m.PodUID == "" || !m.PodRunning && !m.PodTerminating
	}
	return m.Claim != ClaimRecord{ReplicaSetID: v.identity.ReplicaSetID, MemberID: c.ID}
}

// holdsNothing says that a member which answers so has yet to copy the data.
func holdsNothing(state State) bool { return state == StateNotYetInitialized || state == StateStartup2 }

// MayBeLeftOut says that a member which the last look found like this keeps no forced reconfiguration from being made.
func MayBeLeftOut(probe Probe) bool { return !probe.Reached || holdsNothing(probe.State) }
