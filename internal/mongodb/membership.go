package mongodb

import (
	"cmp"
	"slices"
)

// surplusMembers leave the configuration one by one: first who does not serve, then from the
// highest ordinal, and the primary last, after it has stepped down.
func surplusMembers(v view) *Decision {
	var surplus []Member
	for _, m := range v.inConfig() {
		if !v.wanted(m) {
			surplus = append(surplus, m)
		}
	}
	if len(surplus) == 0 || len(surplus) == len(v.Database.Config.Members) {
		return nil // who is to take over has to be added first
	}
	slices.SortFunc(surplus, func(a, b Member) int {
		return cmp.Or(cmp.Compare(rank(v.serves(a)), rank(v.serves(b))), cmp.Compare(b.Ordinal, a.Ordinal))
	})
	for _, m := range surplus {
		if m.Host == v.Database.Primary || !v.quorumWithout(m) {
			continue
		}
		return take(Step{Kind: RemoveMember, Host: m.Host, ReplicaSetID: v.identity.ReplicaSetID}, "Removing %s from the replica set.", v.name(m))
	}
	if len(surplus) == 1 && surplus[0].Host == v.Database.Primary {
		return v.stepDown(surplus[0])
	}
	return wait(ReasonQuorumAtRisk, "Removing a member now would leave no healthy majority. Not serving: %s.", v.notServing())
}

// rank puts false before true.
func rank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// stepDown asks the primary to let another member take over, if one can.
func (v view) stepDown(primary Member, caughtUp ...string) *Decision {
	for _, m := range v.inConfig() {
		c, _ := v.configured(m)
		if m.Host != primary.Host && v.serves(m) && v.caughtUp(m) && c.Priority > 0 && c.Votes > 0 {
			return take(Step{Kind: StepDown, Host: primary.Host, Healthy: caughtUp, ReplicaSetID: v.identity.ReplicaSetID}, "Asking %s to step down.", v.name(primary))
		}
	}
	return wait(ReasonNoSuccessor, "%s is primary and no other member is healthy and caught up to take over. Not serving: %s.", v.name(primary), v.notServing())
}

// replacedVolumes: a member whose disk was lost would vote under its old id before it holds what
// it had acknowledged. It leaves, best before its pod has started on the new volume, and comes
// back as a new member without a vote until it has caught up.
func replacedVolumes(v view) *Decision {
	for _, m := range v.inConfig() {
		c, _ := v.configured(m)
		known := m.Claim == ClaimRecord{ReplicaSetID: v.identity.ReplicaSetID, MemberID: c.ID}
		if known || m.ClaimUID == "" || v.serves(m) {
			continue
		}
		// Without a majority of the others it stays, copies in its old place, and is recorded then.
		if v.quorumWithout(m) {
			return take(Step{Kind: RemoveMember, Host: m.Host, ReplicaSetID: v.identity.ReplicaSetID},
				"Removing %s from the replica set: its volume was replaced, so it comes back as a new member.", v.name(m))
		}
	}
	return nil
}

// missingMembers enter the configuration one by one, from the lowest ordinal.
func missingMembers(v view) *Decision {
	for _, m := range v.Members {
		if _, in := v.configured(m); in || !v.wanted(m) {
			continue
		}
		if syncing := v.syncing(); syncing != nil {
			return syncing
		}
		if v.fenced(m) {
			return wait(ReasonMemberFenced, "%s is fenced; it is added when it is not.", v.name(m))
		}
		return v.add(m)
	}
	return nil
}

// syncing waits for the member that was added last: changes of the voters are one at a time.
func (v view) syncing() *Decision {
	votes := 0
	for _, c := range v.Database.Config.Members {
		votes += c.Votes
	}
	for _, m := range v.inConfig() {
		state := v.state(m)
		if (v.Database.Config.Voters < votes || state == StateStartup || state == StateStartup2) && !v.serves(m) {
			return wait(ReasonMemberSyncing, "%s is copying the data (%s); the next member is added when it has caught up.", v.name(m), state)
		}
	}
	if v.Database.Config.Voters < votes {
		return wait(ReasonMemberSyncing, "The member that was added last has caught up and is about to get its vote.")
	}
	return nil
}

func (v view) add(m Member) *Decision {
	if m.ClaimUID != "" && !m.ClaimOurs {
		return v.notOurs(m)
	}
	if decision := v.absent(m); decision != nil {
		return decision
	}
	setID, probe := v.identity.ReplicaSetID, v.probe(m)
	switch state := v.state(m); {
	case state == StateNotYetInitialized || probe.ReplicaSetID == setID:
	case state == StateRemoved && probe.ReplicaSetID == "" && m.Claim.ReplicaSetID == setID:
		// Its users are those of when it left: where passwords were replaced since, nobody can ask it for its set. The claim
		// remembers that, and the primary takes in no member of another set.
	case (state == StatePrimary || state == StateSecondary) && !probe.KnowsAdmin:
		return stall(ReasonVolumeHoldsOtherData,
			"The volume of %s holds a database that is not this one's. Delete volume claim %s if it is of no use.", v.name(m), ClaimName(v.Deployment, m.Ordinal))
	default:
		return wait(ReasonMemberStarting, "%s is %s; which replica set its data belong to has not been read yet.", v.name(m), state)
	}
	adding := v.Observed.Identity.Adding
	if adding != nil && m.Claim == (ClaimRecord{ReplicaSetID: setID, MemberID: *adding}) {
		return take(Step{Kind: AddMember, Host: m.Host, MemberID: *adding, ReplicaSetID: setID}, "Adding %s to the replica set.", v.name(m))
	}
	id := v.identity.HighestMemberID + 1
	identity := v.record()
	identity.HighestMemberID, identity.Adding = id, &id
	claim := ClaimWrite{Name: ClaimName(v.Deployment, m.Ordinal), UID: m.ClaimUID, Record: ClaimRecord{ReplicaSetID: setID, MemberID: id}}
	return take(Step{Kind: RecordIdentity, ReplicaSetID: setID, Identity: &identity, Claims: []ClaimWrite{claim}},
		"Giving member id %d to %s.", id, v.name(m))
}

// votelessMembers: servers before 5.0 do not hold back a new member's vote themselves, so it is
// added without one.
func votelessMembers(v view) *Decision {
	for _, m := range v.inConfig() {
		c, _ := v.configured(m)
		if c.Votes == 0 && v.serves(m) && v.caughtUp(m) {
			return take(Step{Kind: PromoteMember, Host: m.Host, ReplicaSetID: v.identity.ReplicaSetID}, "Giving %s its vote.", v.name(m))
		}
	}
	return nil
}
