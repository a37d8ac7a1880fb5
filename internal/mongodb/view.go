package mongodb

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// view is an Observed with what the checks look up again and again.
type view struct {
	Observed
	// identity is what is recorded: in the ConfigMap, or if that was lost on the volume claims.
	identity Identity
}

func newView(o Observed) view {
	o.Members = slices.DeleteFunc(slices.Clone(o.Members), func(m Member) bool {
		return m.Ordinal >= int(max(o.Desired, o.StatefulSetReplicas)) && m.PodUID == "" && m.ClaimUID == ""
	})
	v := view{Observed: o, identity: o.Identity}
	for _, m := range o.Members {
		if m.Claim.ReplicaSetID == "" {
			continue
		}
		if v.identity.ReplicaSetID == "" {
			v.identity = Identity{ReplicaSetID: m.Claim.ReplicaSetID}
		}
		v.identity.HighestMemberID = max(v.identity.HighestMemberID, m.Claim.MemberID)
	}
	return v
}

func (v view) name(m Member) string { return PodName(v.Deployment, m.Ordinal) }

func (v view) probe(m Member) Probe { return v.Database.Probes[m.Host] }

// state is what the member is, as far as anybody can say.
func (v view) state(m Member) State {
	probe, asked := v.Database.Probes[m.Host]
	switch {
	case !asked:
		return StateUnknown
	case v.stopped(m):
		return StateFenced
	case probe.State == "" && !probe.Reached:
		return StateUnreachable
	}
	return probe.State
}

// lag is how far the member is behind, for one that is to follow: the others go on telling of one that
// was fenced for some seconds after its end.
func (v view) lag(m Member) Lag {
	if v.state(m) == StateFenced {
		return LagUnknown
	}
	return v.probe(m).Lag
}

// serves says that the member holds the data and answers, and that its pod is not about to go.
func (v view) serves(m Member) bool {
	state := v.state(m)
	return (state == StatePrimary || state == StateSecondary) && m.PodRunning && !m.PodTerminating
}

// caughtUp says that the member could take over without losing anything.
func (v view) caughtUp(m Member) bool {
	return v.state(m) == StatePrimary || v.probe(m).Lag == LagNone
}

func (v view) configured(m Member) (ConfigMember, bool) { return v.Database.Config.member(m.Host) }

// primary is the member that takes writes.
func (v view) primary() (Member, bool) {
	if v.Database.Primary == "" {
		return Member{}, false
	}
	return v.member(v.Database.Primary)
}

func (v view) member(host string) (Member, bool) {
	i := slices.IndexFunc(v.Members, func(m Member) bool { return m.Host == host })
	if i >= 0 {
		return v.Members[i], true
	}
	if ordinal, ours := v.ordinal(host); ours {
		return Member{Ordinal: ordinal, Host: host}, true
	}
	return Member{}, false
}

// ordinal of a member by its host, which may be one that has neither pod nor claim any more.
func (v view) ordinal(host string) (int, bool) {
	for _, m := range v.Members {
		if m.Host == host {
			return m.Ordinal, true
		}
	}
	if len(v.Members) == 0 {
		return 0, false
	}
	pod, domain, _ := strings.Cut(host, ".")
	_, ours, _ := strings.Cut(v.Members[0].Host, ".")
	number, found := strings.CutPrefix(pod, StatefulSetName(v.Deployment)+"-")
	if !found || domain != ours {
		return 0, false
	}
	ordinal, err := strconv.Atoi(number)
	return ordinal, err == nil && ordinal >= 0
}

// inConfig are our members that stand in the configuration, by ordinal.
func (v view) inConfig() []Member {
	var members []Member
	for _, c := range v.Database.Config.members() {
		if m, ours := v.member(c.Host); ours {
			members = append(members, m)
		}
	}
	slices.SortFunc(members, func(a, b Member) int { return a.Ordinal - b.Ordinal })
	return members
}

// wanted says that the ordinal is one of the desired.
func (v view) wanted(m Member) bool { return m.Ordinal < int(v.Desired) }

// quorumWithout says that the voters which remain when a member leaves the configuration have a
// healthy majority.
func (v view) quorumWithout(leaving Member) bool {
	voters, healthy := 0, 0
	for _, m := range v.inConfig() {
		c, _ := v.configured(m)
		if c.Votes == 0 || m.Host == leaving.Host {
			continue
		}
		voters++
		if v.serves(m) {
			healthy++
		}
	}
	return healthy > voters/2
}

// notServing names the members of the configuration that do not serve, with their state.
func (v view) notServing() string {
	var names []string
	for _, m := range v.inConfig() {
		if !v.serves(m) {
			names = append(names, fmt.Sprintf("%s (%s)", v.name(m), v.state(m)))
		}
	}
	return strings.Join(names, ", ")
}

// hosts of the members other than one.
func hostsExcept(members []Member, host string) []string {
	var hosts []string
	for _, m := range members {
		if m.Host != host {
			hosts = append(hosts, m.Host)
		}
	}
	return hosts
}

func (c *Config) members() []ConfigMember {
	if c == nil {
		return nil
	}
	return c.Members
}

func wait(reason, format string, args ...any) *Decision {
	return &Decision{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

func stall(reason, format string, args ...any) *Decision {
	return &Decision{Reason: reason, Message: fmt.Sprintf(format, args...), Stalled: true}
}

func take(step Step, format string, args ...any) *Decision {
	return &Decision{Step: &step, Reason: string(step.Kind), Message: fmt.Sprintf(format, args...)}
}
