package mongodb

import "fmt"

// Health says whether every member that is wanted does its part.
type Health struct {
	// Healthy is true while the set has a primary and each wanted member votes, serves and is at most a minute
	// behind.
	Healthy bool
	// Known is false while nobody could be asked.
	Known bool
	// Reason in CamelCase.
	Reason string
	// Message is a sentence that names the member.
	Message string
}

// Healthy judges the members one by one; what is wrong with the lowest ordinal is told.
func Healthy(o Observed) Health {
	v := newView(o)
	if o.Database.Config == nil {
		availability := Available(o)
		return Health{Known: availability.Reason != ReasonNotObservedYet, Reason: availability.Reason, Message: availability.Message}
	}
	for ordinal := range int(o.Desired) {
		m := Member{Ordinal: ordinal}
		for _, known := range v.Members {
			if known.Ordinal == ordinal {
				m = known
			}
		}
		if reason, message := v.ailing(m); reason != "" {
			return Health{Known: true, Reason: reason, Message: message}
		}
	}
	if o.Database.Primary == "" {
		return Health{Known: true, Reason: ReasonNoPrimary, Message: "No member is primary; the members are electing one."}
	}
	return Health{Healthy: true, Known: true, Reason: ReasonMembersHealthy, Message: fmt.Sprintf("All of %d members vote and are caught up.", o.Desired)}
}

// ailing is what keeps a member from doing its part; empty if nothing does.
func (v view) ailing(m Member) (reason, message string) {
	name, probe, state := v.name(m), v.probe(m), v.state(m)
	member, in := v.configured(m)
	switch {
	case state == StateFenced:
		return ReasonMemberFenced, name + " is fenced, as spec.mongodb.fencedMembers asks: its mongod does not run."
	case state == StateUnreachable && probe.Error != "":
		return ReasonMemberUnreachable, fmt.Sprintf("%s does not answer: %s.", name, probe.Error)
	case state == StateUnreachable || m.PodUID == "":
		return ReasonMemberUnreachable, name + " does not answer."
	case !in:
		return ReasonMemberMissing, fmt.Sprintf("%s is no member of the replica set yet (%s).", name, state)
	case state == StateStartup || state == StateStartup2:
		return ReasonMemberSyncing, fmt.Sprintf("%s is copying the data (%s).", name, state)
	case !v.serves(m):
		return ReasonMemberUnhealthy, fmt.Sprintf("%s is %s.", name, state)
	case member.Votes == 0:
		return ReasonMemberSyncing, name + " has no vote yet."
	case probe.Lag == LagHigh:
		return ReasonMemberLagging, name + " is more than a minute behind the primary."
	}
	return "", ""
}
