package mongodb

import (
	"fmt"
	"strings"
	"testing"
)

func TestTheStatefulSetShrinksOnlyAfterTheMembersAreGone(t *testing.T) {
	for _, c := range []struct {
		state  string
		change func(o *Observed)
		want   int32
	}{
		{"as wanted", func(*Observed) {}, 3},
		{"growing", func(o *Observed) { o.Desired = 5 }, 5},
		{"still in the configuration", func(o *Observed) { o.Desired = 1 }, 3},
		{"one is gone", func(o *Observed) { o.Desired = 1; o.outOfConfig(2, StateRemoved) }, 2},
		{"both are gone", func(o *Observed) { o.Desired = 1; o.outOfConfig(2, StateRemoved); o.outOfConfig(1, StateRemoved) }, 1},
		{"gone, but not committed", func(o *Observed) {
			o.Desired = 1
			o.outOfConfig(2, StateRemoved)
			o.outOfConfig(1, StateRemoved)
			o.Database.Config.Committed = false
		}, 3},
		{"the configuration is not known", func(o *Observed) { o.Desired = 1; o.Database.Config = nil }, 3},
		{"the operator has just started, volumes of members that left are there", func(o *Observed) {
			o.Desired, o.StatefulSetReplicas, o.Database = 1, 1, Snapshot{}
		}, 1},
		{"the StatefulSet is being made again", func(o *Observed) { o.Desired = 1; o.Database, o.StatefulSetReplicas = Snapshot{}, 0 }, 3},
		{"the configuration is of another set", func(o *Observed) {
			o.Desired = 1
			o.outOfConfig(2, StateRemoved)
			o.Database.Config.ReplicaSetID = "aaaa"
		}, 3},
	} {
		t.Run(c.state, func(t *testing.T) {
			o := settledSet(3)
			c.change(&o)
			if got := Replicas(o); got != c.want {
				t.Errorf("Replicas = %d, want %d", got, c.want)
			}
		})
	}
}

func TestVolumesOfMembersThatLeftAreNotAskedForAnswers(t *testing.T) {
	o := settledSet(3)
	o.Desired, o.StatefulSetReplicas = 1, 1
	for _, i := range []int{1, 2} {
		o.outOfConfig(i, StateUnreachable)
		o.Members[i].PodUID = ""
	}
	if got := Hosts(o); len(got) != 1 || got[0] != o.Members[0].Host {
		t.Errorf("asked are %v", got)
	}
	o.Desired, o.StatefulSetReplicas = 3, 3
	if got := Hosts(o); len(got) != 3 {
		t.Errorf("growing again, asked are %v", got)
	}
	o = settledSet(3)
	o.Database, o.StatefulSetReplicas = Snapshot{}, 0
	if got := Hosts(o); len(got) != 3 {
		t.Errorf("made again, asked are %v", got)
	}
}

func TestANewSetKeepsEveryPodThatHasAVolumeUntilItIsKnownToBeEmpty(t *testing.T) {
	o := fresh(3)
	o.Desired = 1
	if got := Replicas(o); got != 3 {
		t.Errorf("Replicas = %d, want 3", got)
	}
}

func TestEveryMemberCountsWhileNoConfigurationIsKnown(t *testing.T) {
	o := settledSet(3)
	var unknown *Config
	for host, want := range map[string]bool{o.Members[2].Host: true, "docs-mongodb-9.example.org:27017": false} {
		if got := o.Database.Config.Holds(host); got != want {
			t.Errorf("the configuration holds %s: %v, want %v", host, got, want)
		}
		if !unknown.Holds(host) {
			t.Errorf("%s is given up while no configuration is known", host)
		}
	}
}

func TestMemberIDsAreNeverGivenTwice(t *testing.T) {
	o := settledSet(3)
	o.Identity.HighestMemberID = 7 // members came and went
	o.outOfConfig(2, StateRemoved)
	step := Next(o).Step
	if step == nil || step.Kind != RecordIdentity || step.Identity.HighestMemberID != 8 || *step.Identity.Adding != 8 || step.Claims[0].Record.MemberID != 8 {
		t.Fatalf("step %+v, want id 8 recorded", step)
	}
}

func TestIdentityAndClaimRecordsSurviveTheirObjects(t *testing.T) {
	for _, want := range []Identity{
		{},
		{Intent: &Intent{Host: "a:1", PodUID: "p", ClaimUID: "c"}},
		{ReplicaSetID: setID, HighestMemberID: 4, Adding: new(4)},
	} {
		got, err := ParseIdentity(want.Data())
		if err != nil || fmt.Sprintf("%+v", got.Data()) != fmt.Sprintf("%+v", want.Data()) {
			t.Errorf("ParseIdentity(%v) = %+v, %v", want.Data(), got, err)
		}
	}
	record := ClaimRecord{ReplicaSetID: setID, MemberID: 3}
	if got := ParseClaimRecord(record.Annotations()); got != record {
		t.Errorf("ParseClaimRecord = %+v, want %+v", got, record)
	}
	for _, data := range []map[string]string{{"highestMemberID": "x"}, {"highestMemberID": "-1"}, {"addingMemberID": ""}} {
		if _, err := ParseIdentity(data); err == nil {
			t.Errorf("ParseIdentity(%v) guessed", data)
		}
	}
}

func TestAvailableNamesThePrimaryOrWhatIsMissing(t *testing.T) {
	o := settledSet(3)
	if a := Available(o); !a.Available || a.Reason != ReasonPrimaryElected || !strings.Contains(a.Message, "docs-mongodb-0") {
		t.Errorf("a settled set: %+v", a)
	}
	o.down(2)
	if a := Available(o); !a.Available {
		t.Errorf("a secondary down: %+v", a)
	}
	o.down(0)
	if a := Available(o); a.Available || a.Reason != ReasonNoPrimary || !strings.Contains(a.Message, "docs-mongodb-0") {
		t.Errorf("no primary: %+v", a)
	}
	o.Database = Snapshot{}
	if a := Available(o); a.Available || a.Reason != ReasonNotObservedYet {
		t.Errorf("nothing observed: %+v", a)
	}
	o = settledSet(3)
	o.down(0)
	o.down(2)
	if states := States(o); len(states) != 3 || states[2] != (MemberState{Name: "docs-mongodb-2", State: StateUnreachable}) {
		t.Errorf("states %+v", states)
	}
}

func TestAFencedMemberHasNoLagWhileTheOthersStillTellOfIt(t *testing.T) {
	o := settledSet(3)
	o.stopped(2)
	o.say(2, func(p *Probe) { p.State, p.Lag = StateSecondary, LagNone })
	if states := States(o); len(states) != 3 || states[2] != (MemberState{Name: "docs-mongodb-2", State: StateFenced}) {
		t.Errorf("states %+v", states)
	}
}
