package mongodb

import (
	"strings"
	"testing"
)

func TestHealthNamesTheMemberThatDoesNotDoItsPart(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(o *Observed)
		healthy bool
		reason  string
		message string
	}{
		{"all is well", func(*Observed) {}, true, ReasonMembersHealthy, "3 members"},
		{"some lag is no illness", func(o *Observed) { o.say(2, func(p *Probe) { p.Lag = LagSome }) }, true, ReasonMembersHealthy, ""},
		{"a minute of lag is", func(o *Observed) { o.say(2, func(p *Probe) { p.Lag = LagHigh }) }, false, ReasonMemberLagging, "docs-mongodb-2"},
		{"a member down", func(o *Observed) { o.down(1) }, false, ReasonMemberUnreachable, "docs-mongodb-1 does not answer: connection refused"},
		{"no primary", func(o *Observed) {
			o.Database.Primary = ""
			o.say(0, func(p *Probe) { p.State = StateSecondary })
		}, false, ReasonNoPrimary, "electing"},
		{"a member that is not in the set", func(o *Observed) { o.outOfConfig(2, StateRemoved) }, false, ReasonMemberMissing, "docs-mongodb-2"},
		{"a member rolls back", func(o *Observed) { o.say(1, func(p *Probe) { p.State = StateRollback }) }, false, ReasonMemberUnhealthy, "docs-mongodb-1 is ROLLBACK"},
		{"a member copies", func(o *Observed) { o.say(1, func(p *Probe) { p.State = StateStartup2 }) }, false, ReasonMemberSyncing, "docs-mongodb-1"},
		{"a member without a vote", func(o *Observed) { o.Database.Config.Members[2].Votes = 0 }, false, ReasonMemberSyncing, "docs-mongodb-2"},
		{"a member that leaves is not missed", func(o *Observed) { o.Desired = 1; o.down(2) }, true, ReasonMembersHealthy, ""},
		{"more are wanted than there are", func(o *Observed) { o.Desired = 5 }, false, ReasonMemberUnreachable, "docs-mongodb-3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := settledSet(3)
			c.change(&o)
			got := Healthy(o)
			if got.Healthy != c.healthy || !got.Known || got.Reason != c.reason || !strings.Contains(got.Message, c.message) {
				t.Errorf("it is %+v", got)
			}
		})
	}
	if got := Healthy(Observed{Deployment: "docs", Desired: 1, CredentialsExist: true}); got.Known && got.Reason == ReasonNotObservedYet || got.Healthy {
		t.Errorf("before the first look it is %+v", got)
	}
}
