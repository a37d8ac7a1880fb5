package mongodb

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

const setID = "6b03e112ffe1dd252f508ed1"

// fresh is a deployment whose members all run on empty volumes of their own.
func fresh(members int) Observed {
	o := Observed{
		Deployment: "docs", Desired: int32(members), StatefulSetReplicas: int32(members), CredentialsExist: true,
		Database: Snapshot{Probes: map[string]Probe{}},
	}
	for i := range members {
		host := MemberHost("docs", "ns", "cluster.local", i)
		o.Members = append(o.Members, Member{
			Ordinal: i, Host: host, PodUID: types.UID(fmt.Sprint("pod-", i)), PodRunning: true,
			ClaimUID: types.UID(fmt.Sprint("claim-", i)), ClaimOurs: true,
		})
		o.Database.Probes[host] = Probe{Reached: true, State: StateNotYetInitialized}
	}
	return o
}

// settledSet is a replica set as wanted, with member 0 as primary.
func settledSet(members int) Observed {
	o := fresh(members)
	o.Identity = Identity{ReplicaSetID: setID, HighestMemberID: members - 1}
	o.Database.Login, o.Database.AppUser, o.Database.Primary = LoginSucceeded, UserPresent, o.Members[0].Host
	o.Database.MetricsUser, o.Database.BackupUser = UserPresent, UserPresent
	o.Database.Config = &Config{ReplicaSetID: setID, Version: 5, Term: 1, Committed: true, Voters: members}
	for i := range o.Members {
		m := &o.Members[i]
		m.PodReady = true
		m.Claim = ClaimRecord{ReplicaSetID: setID, MemberID: i}
		o.Database.Config.Members = append(o.Database.Config.Members, ConfigMember{ID: i, Host: m.Host, Votes: 1, Priority: 1})
		state := StateSecondary
		if i == 0 {
			state = StatePrimary
		}
		o.Database.Probes[m.Host] = Probe{Reached: true, State: state, SetName: "docs", ReplicaSetID: setID, KnowsAdmin: true, Lag: LagNone}
	}
	return o
}

func (o *Observed) say(i int, change func(*Probe)) {
	probe := o.Database.Probes[o.Members[i].Host]
	change(&probe)
	o.Database.Probes[o.Members[i].Host] = probe
}

func (o *Observed) down(i int) {
	o.Members[i].PodReady = false
	o.Database.Probes[o.Members[i].Host] = Probe{State: StateUnreachable, Error: "connection refused"}
	if o.Database.Primary == o.Members[i].Host {
		o.Database.Primary = ""
	}
}

// agents run well everywhere, made from a template with one image beside an operator with another; those of some
// members are exchanged.
func (o *Observed) agents(template, operator string, exchanged ...int) {
	o.TemplateAgentImage, o.AgentImage = template, operator
	for i := range o.Members {
		o.Members[i].Agent = Agent{Image: template, Container: "container", Ready: true}
		if slices.Contains(exchanged, i) {
			o.Members[i].Agent.Update = AgentUpdate{Image: operator, Replaces: "earlier", ReplacesImage: template}
		}
	}
}

// fence records that a member's mongod may not run; its agent has read that.
func (o *Observed) fence(i int) {
	o.Identity.Fenced = append(o.Identity.Fenced, PodName(o.Deployment, i))
	if o.Database.Reports == nil {
		o.Database.Reports = map[string]Report{}
	}
	o.Database.Reports[o.Members[i].Host] = Report{PodUID: o.Members[i].PodUID, Fences: true, Fenced: true}
}

// stopped is a member that is fenced and does not run.
func (o *Observed) stopped(i int) {
	o.Fenced = append(o.Fenced, i)
	o.fence(i)
	o.down(i)
	report := o.Database.Reports[o.Members[i].Host]
	report.Stopped = true
	o.Database.Reports[o.Members[i].Host] = report
}

// lost takes members away with their nodes and volumes.
func (o *Observed) lost(members ...int) {
	for _, i := range members {
		o.down(i)
		o.Members[i].PodUID, o.Members[i].PodRunning = "", false
		o.Members[i].ClaimUID, o.Members[i].Claim = "", ClaimRecord{}
	}
}

// outOfConfig takes a member out of the configuration.
func (o *Observed) outOfConfig(i int, state State) {
	host, config := o.Members[i].Host, o.Database.Config
	config.Voters--
	for at, m := range config.Members {
		if m.Host == host {
			config.Members = append(config.Members[:at:at], config.Members[at+1:]...)
			break
		}
	}
	o.say(i, func(p *Probe) {
		*p = Probe{Reached: true, State: state}
		if state == StateRemoved {
			p.KnowsAdmin, p.ReplicaSetID = true, setID
		}
	})
}

func intentOn(o Observed, i int) *Intent {
	m := o.Members[i]
	return &Intent{Host: m.Host, PodUID: m.PodUID, ClaimUID: m.ClaimUID}
}

func TestEachStateHasOneNextStep(t *testing.T) {
	for _, c := range []struct {
		state   string
		members int
		change  func(o *Observed)
		settled bool // start from a settled set rather than from empty members
		step    StepKind
		host    int    // member that the step is about
		reason  string // without a step
		stalled bool
		message string // a part of it
	}{
		// Before there is a set.
		{state: "no credentials yet", members: 1, change: func(o *Observed) { o.CredentialsExist = false; o.Members = nil }, reason: ReasonCredentialsPending},
		{state: "volumes without credentials", members: 1, change: func(o *Observed) { o.CredentialsExist = false }, reason: ReasonCredentialsMissing, stalled: true, message: "data-docs-mongodb-0"},
		{state: "no pods yet", members: 3, change: func(o *Observed) { o.Members = nil }, reason: ReasonPodPending},
		{state: "a volume not bound", members: 3, change: func(o *Observed) { o.Members[1].ClaimUID = "" }, reason: ReasonVolumePending, message: "docs-mongodb-1"},
		{state: "a pod pending", members: 3, change: func(o *Observed) { o.Members[2].PodRunning = false }, reason: ReasonPodPending, message: "docs-mongodb-2"},
		{state: "a member unreachable is not empty", members: 3, change: func(o *Observed) { o.down(2) }, reason: ReasonMemberUnreachable, message: "docs-mongodb-2 does not answer: connection refused"},
		{state: "a member starting is not empty", members: 3, change: func(o *Observed) { o.say(1, func(p *Probe) { p.State = StateUnknown }) }, reason: ReasonMemberStarting, message: "docs-mongodb-1"},
		{state: "a member nobody asked", members: 3, change: func(o *Observed) { delete(o.Database.Probes, o.Members[1].Host) }, reason: ReasonNotObservedYet, message: "docs-mongodb-1"},
		{state: "a volume of somebody else", members: 3, change: func(o *Observed) { o.Members[1].ClaimOurs = false }, reason: ReasonVolumeNotOurs, stalled: true, message: "data-docs-mongodb-1"},
		{state: "a volume with a database", members: 3, change: func(o *Observed) { o.say(1, func(p *Probe) { p.State, p.SetName = StateSecondary, "docs" }) }, reason: ReasonVolumeHoldsOtherData, stalled: true, message: "docs-mongodb-1"},
		{state: "a volume that was a member", members: 3, change: func(o *Observed) { o.say(1, func(p *Probe) { p.State, p.KnowsAdmin = StateRemoved, true }) }, reason: ReasonVolumeHoldsOtherData, stalled: true, message: "docs-mongodb-1"},
		{state: "a set of another name", members: 1, change: func(o *Observed) { o.say(0, func(p *Probe) { p.State, p.SetName = StatePrimary, "rs0" }) }, reason: ReasonSetNameDiffers, stalled: true, message: `"rs0"`},
		{state: "one empty member", members: 1, change: func(*Observed) {}, step: RecordIntent},
		{state: "three empty members", members: 3, change: func(*Observed) {}, step: RecordIntent},
		{state: "intent recorded", members: 3, change: func(o *Observed) { o.Identity.Intent = intentOn(*o, 0) }, step: Bootstrap},
		{state: "intent, initiated without user", members: 3, change: func(o *Observed) {
			o.Identity.Intent = intentOn(*o, 0)
			o.say(0, func(p *Probe) { p.State, p.SetName = StatePrimary, "docs" })
		}, step: Bootstrap},
		{state: "intent, the pod is a new one", members: 3, change: func(o *Observed) {
			o.Identity.Intent = intentOn(*o, 0)
			o.Members[0].PodUID = "pod-new"
		}, step: RecordIntent},
		{state: "intent, the volume is gone", members: 3, change: func(o *Observed) {
			o.Identity.Intent = intentOn(*o, 0)
			o.Members[0].ClaimUID = ""
		}, reason: ReasonVolumePending, message: "docs-mongodb-0"},
		{state: "intent, the volume is a new one", members: 3, change: func(o *Observed) {
			o.Identity.Intent = intentOn(*o, 0)
			o.Members[0].ClaimUID = "claim-new"
		}, step: RecordIntent},
		{state: "intent, the volume is a new one, another member unreachable", members: 3, change: func(o *Observed) {
			o.Identity.Intent = intentOn(*o, 0)
			o.Members[0].ClaimUID = "claim-new"
			o.down(2)
		}, reason: ReasonMemberUnreachable, message: "docs-mongodb-2"},
		{state: "intent, the member does not answer", members: 3, change: func(o *Observed) {
			o.Identity.Intent = intentOn(*o, 0)
			o.down(0)
		}, reason: ReasonMemberUnreachable, message: "docs-mongodb-0"},
		{state: "intent, another member holds data", members: 3, change: func(o *Observed) {
			o.Identity.Intent = intentOn(*o, 0)
			o.say(2, func(p *Probe) { p.State, p.SetName = StatePrimary, "docs" })
		}, reason: ReasonVolumeHoldsOtherData, stalled: true, message: "docs-mongodb-2"},
		{state: "initiated, another password", members: 1, change: func(o *Observed) {
			o.Identity.Intent = intentOn(*o, 0)
			o.say(0, func(p *Probe) { p.State, p.SetName, p.KnowsAdmin = StatePrimary, "docs", true })
			o.Database.Login = LoginRefused
		}, reason: ReasonCredentialsRefused, stalled: true, message: "docs-mongodb-admin"},
		{state: "bootstrapped, not recorded", members: 1, settled: true, change: func(o *Observed) {
			o.Identity = Identity{Intent: intentOn(*o, 0)}
			o.Members[0].Claim = ClaimRecord{}
		}, step: RecordIdentity},
		{state: "the record is lost, the volumes remember", members: 3, settled: true, change: func(o *Observed) { o.Identity = Identity{} }, step: RecordIdentity},
		{state: "the record and the annotations are lost", members: 3, settled: true, change: func(o *Observed) {
			o.Identity = Identity{}
			for i := range o.Members {
				o.Members[i].Claim = ClaimRecord{}
			}
		}, step: RecordIdentity},

		// An identity is recorded: nothing is initiated.
		{state: "every volume empty under a recorded identity", members: 3, change: func(o *Observed) { o.Identity.ReplicaSetID = setID }, reason: ReasonAllVolumesEmpty, stalled: true, message: "docs-mongodb-identity"},
		{state: "every volume empty under annotations", members: 1, change: func(o *Observed) {
			o.Identity.ReplicaSetID = setID
			o.Members[0].Claim = ClaimRecord{ReplicaSetID: setID}
		}, reason: ReasonAllVolumesEmpty, stalled: true},
		{state: "one volume empty, the others do not answer", members: 3, change: func(o *Observed) {
			o.Identity.ReplicaSetID = setID
			o.down(1)
			o.down(2)
		}, reason: ReasonMemberUnreachable, message: "docs-mongodb-1"},
		{state: "the password is refused", members: 3, settled: true, change: func(o *Observed) {
			o.Database.Login, o.Database.Config, o.Database.Primary = LoginRefused, nil, ""
		}, reason: ReasonCredentialsRefused, stalled: true, message: "docs-mongodb-admin"},
		{state: "our user is gone", members: 1, settled: true, change: func(o *Observed) {
			o.Database.Login, o.Database.Config, o.Database.Primary = LoginUnknown, nil, ""
			o.say(0, func(p *Probe) { p.KnowsAdmin = false })
		}, reason: ReasonAdminUserMissing, stalled: true, message: "chatpdf-admin"},
		{state: "another set on one volume", members: 3, settled: true, change: func(o *Observed) {
			o.say(2, func(p *Probe) { p.ReplicaSetID = "aaaa" })
		}, reason: ReasonReplicaSetIDsDiffer, stalled: true, message: "aaaa (member docs-mongodb-2)"},
		{state: "another set recorded on one claim", members: 3, settled: true, change: func(o *Observed) {
			o.Members[1].Claim.ReplicaSetID = "bbbb"
		}, reason: ReasonReplicaSetIDsDiffer, stalled: true, message: "bbbb (volume claim data-docs-mongodb-1)"},
		{state: "a member that is not ours", members: 3, settled: true, change: func(o *Observed) {
			o.Database.Config.Members = append(o.Database.Config.Members, ConfigMember{ID: 9, Host: "elsewhere:27017", Votes: 1})
		}, reason: ReasonUnknownMember, stalled: true, message: "elsewhere:27017"},
		{state: "no primary", members: 3, settled: true, change: func(o *Observed) { o.down(0); o.down(1) }, reason: ReasonNoPrimary, message: "docs-mongodb-0 (UNREACHABLE), docs-mongodb-1 (UNREACHABLE)"},
		{state: "no primary, a majority lost", members: 3, settled: true, change: func(o *Observed) { o.down(0); o.down(1) }, reason: ReasonNoPrimary, message: "mongodb.forcedReconfiguration"},
		{state: "forced, but a member's container only starts", members: 3, settled: true, change: func(o *Observed) {
			o.ForcedReconfiguration = "now"
			o.lost(1)
			o.down(0)
			o.Members[0].PodRunning = false
		}, reason: ReasonMemberMayComeBack, stalled: true, message: "docs-mongodb-0"},
		{state: "forced, but a member has its volume and merely no pod", members: 3, settled: true, change: func(o *Observed) {
			o.ForcedReconfiguration = "now"
			o.lost(1)
			o.down(0)
			o.Members[0].PodUID, o.Members[0].PodRunning = "", false
		}, reason: ReasonMemberMayComeBack, stalled: true, message: "data-docs-mongodb-0"},
		{state: "forced, the claim is gone and the pod runs still", members: 3, settled: true, change: func(o *Observed) {
			o.ForcedReconfiguration = "now"
			o.lost(1)
			o.down(0)
			o.Members[0].ClaimUID, o.Members[0].Claim = "", ClaimRecord{}
		}, reason: ReasonMemberMayComeBack, stalled: true, message: "docs-mongodb-0"},
		{state: "forced, a vote is held back", members: 3, settled: true, change: func(o *Observed) {
			o.ForcedReconfiguration = "now"
			o.lost(0)
			o.Database.Config.Voters = 2
		}, step: ForceReconfiguration, host: 1},
		{state: "forced, one has no vote", members: 3, settled: true, change: func(o *Observed) {
			o.ForcedReconfiguration = "now"
			o.lost(0)
			o.Database.Config.Voters, o.Database.Config.Members[2].Votes = 2, 0
		}, step: ForceReconfiguration, host: 1},
		{state: "forced, but a lost member may run", members: 3, settled: true, change: func(o *Observed) {
			o.ForcedReconfiguration = "now"
			o.lost(1)
			o.down(0)
		}, reason: ReasonMemberMayComeBack, stalled: true, message: "kubectl delete pod docs-mongodb-0 --force"},
		{state: "forced, but a lost pod is being stopped", members: 3, settled: true, change: func(o *Observed) {
			o.ForcedReconfiguration = "now"
			o.lost(0, 1)
			o.Members[1].PodUID, o.Members[1].PodTerminating = "pod-1", true
		}, reason: ReasonMemberMayComeBack, stalled: true, message: "docs-mongodb-1"},
		{state: "forced, a member answers that others do not see", members: 3, settled: true, change: func(o *Observed) {
			o.ForcedReconfiguration = "now"
			o.lost(0)
			o.say(1, func(p *Probe) { p.State = StateDown })
		}, reason: ReasonMemberMayComeBack, stalled: true, message: "docs-mongodb-1 (DOWN)"},
		{state: "forced, the others are gone", members: 3, settled: true, change: func(o *Observed) {
			o.ForcedReconfiguration = "now"
			o.lost(0, 1)
		}, step: ForceReconfiguration, host: 2},
		{state: "forced, one has an empty volume", members: 5, settled: true, change: func(o *Observed) {
			o.ForcedReconfiguration = "now"
			o.lost(0, 1)
			o.say(2, func(p *Probe) { *p = Probe{Reached: true, State: StateNotYetInitialized} })
		}, step: ForceReconfiguration, host: 3},
		{state: "forced already", members: 3, settled: true, change: func(o *Observed) {
			o.ForcedReconfiguration, o.Identity.ForcedReconfiguration = "now", "now"
			o.lost(0, 1)
		}, reason: ReasonNoPrimary, message: "is used up"},
		{state: "forced, but a majority is about to elect", members: 3, settled: true, change: func(o *Observed) {
			o.ForcedReconfiguration = "now"
			o.lost(0)
		}, reason: ReasonNoPrimary, message: "docs-mongodb-0 (UNREACHABLE)."},
		{state: "forced, the primary has yet to notice", members: 3, settled: true, change: func(o *Observed) {
			o.ForcedReconfiguration = "now"
			o.lost(1, 2)
		}, reason: ReasonVolumePending, message: "docs-mongodb-1"},
		{state: "forced without need", members: 3, settled: true, change: func(o *Observed) { o.ForcedReconfiguration = "now" }, step: RecordIdentity},
		{state: "forced, but the record is lost", members: 3, settled: true, change: func(o *Observed) {
			o.ForcedReconfiguration, o.Identity = "now", Identity{}
			o.lost(0, 1)
		}, step: RecordIdentity},
		{state: "an election", members: 3, settled: true, change: func(o *Observed) {
			o.Database.Primary = ""
			o.say(0, func(p *Probe) { p.State = StateSecondary })
		}, reason: ReasonNoPrimary, message: "electing"},
		{state: "the only member does not answer", members: 1, settled: true, change: func(o *Observed) { o.down(0); o.Database.Config = nil }, reason: ReasonMemberUnreachable, message: "docs-mongodb-0"},

		// A set with a primary.
		{state: "as wanted", members: 1, settled: true, change: func(*Observed) {}, reason: ReasonSettled},
		{state: "as wanted", members: 3, settled: true, change: func(*Observed) {}, reason: ReasonSettled},
		{state: "no user of the application", members: 1, settled: true, change: func(o *Observed) { o.Database.AppUser = UserMissing }, step: EnsureUsers},
		{state: "the newest template not taken up yet", members: 3, settled: true, change: func(o *Observed) { o.RolloutUnseen = true }, reason: ReasonRolloutPending, message: "docs-mongodb"},
		{state: "no user for metrics", members: 1, settled: true, change: func(o *Observed) { o.Database.MetricsUser = UserMissing }, step: EnsureMetricsUser},
		{state: "no user for backups", members: 1, settled: true, change: func(o *Observed) { o.Database.BackupUser = UserMissing }, step: EnsureBackupUser},
		{state: "no next user for backups", members: 1, settled: true, change: func(o *Observed) {
			o.Database.NextUsers = map[string]UserState{BackupUsername + "-2": UserMissing}
		}, step: EnsureBackupUser},
		{state: "no next user of the application", members: 1, settled: true, change: func(o *Observed) {
			o.Database.NextUsers = map[string]UserState{AppUsername + "-2": UserMissing}
		}, step: EnsureUsers},
		{state: "no next user for metrics", members: 1, settled: true, change: func(o *Observed) {
			o.Database.NextUsers = map[string]UserState{AppUsername: UserPresent, MetricsUsername: UserMissing}
		}, step: EnsureMetricsUser},
		{state: "a next password of the operator's own", members: 1, settled: true, change: func(o *Observed) {
			o.Database.NextUsers = map[string]UserState{AdminUsername: UserMissing}
		}, step: EnsureAdminPassword},
		{state: "a retired user that is in use", members: 3, settled: true, change: func(o *Observed) {
			o.Database.Retired = []RetiredUser{{Username: AppUsername, InUse: true}}
		}, reason: ReasonSettled},
		{state: "a retired user that nobody uses", members: 3, settled: true, change: func(o *Observed) {
			o.Database.Retired = []RetiredUser{{Username: AppUsername, InUse: true}, {Username: MetricsUsername}}
		}, step: DropUser},
		{state: "a user replaced a moment ago", members: 3, settled: true, change: func(o *Observed) {
			o.Database.Retired = []RetiredUser{{Username: AppUsername}}
			o.ReplacedUsersStay = true
		}, reason: ReasonSettled},
		{state: "nobody could say about the user", members: 1, settled: true, change: func(o *Observed) { o.Database.AppUser = UserUnknown }, reason: ReasonSettled},
		{state: "a secondary down", members: 3, settled: true, change: func(o *Observed) { o.down(2) }, reason: ReasonMemberUnreachable, message: "docs-mongodb-2"},
		{state: "a secondary recovering", members: 3, settled: true, change: func(o *Observed) { o.say(1, func(p *Probe) { p.State = StateRecovering }) }, reason: ReasonMemberUnhealthy, message: "docs-mongodb-1 is RECOVERING"},
		{state: "a claim without its record", members: 3, settled: true, change: func(o *Observed) { o.Members[1].Claim = ClaimRecord{} }, step: RecordIdentity},

		// Fencing.
		{state: "a member to fence", members: 3, settled: true, change: func(o *Observed) {
			o.Fenced = []int{2}
			o.Database.Reports = map[string]Report{o.Members[2].Host: {PodUID: "pod-2", Fences: true}}
		}, step: RecordIdentity},
		{state: "a member to fence whose agent has not answered", members: 3, settled: true, change: func(o *Observed) { o.Fenced = []int{2} }, reason: ReasonMemberFencing, message: "docs-mongodb-2"},
		{state: "a member to fence whose pod is of the release before", members: 3, settled: true, change: func(o *Observed) {
			o.Fenced = []int{2}
			o.Database.Reports = map[string]Report{o.Members[2].Host: {PodUID: "pod-2"}}
		}, reason: ReasonFenceRefused, stalled: true, message: "docs-mongodb-2"},
		{state: "a member to fence while another one's volume was replaced", members: 3, settled: true, change: func(o *Observed) {
			o.Fenced = []int{2}
			o.fence(2)
			o.Members[1].ClaimUID, o.Members[1].Claim = "claim-new", ClaimRecord{}
			o.down(1)
		}, step: RemoveMember, host: 1},
		{state: "a fenced member that hangs", members: 3, settled: true, change: func(o *Observed) {
			o.Fenced = []int{2}
			o.fence(2)
			o.down(2)
		}, step: RestartMember, host: 2},
		{state: "a member to fence while another is down", members: 3, settled: true, change: func(o *Observed) {
			o.Fenced = []int{2}
			o.down(1)
		}, reason: ReasonQuorumAtRisk, message: "docs-mongodb-1 (UNREACHABLE)"},
		{state: "a majority to fence", members: 3, settled: true, change: func(o *Observed) {
			o.Fenced = []int{1, 2}
			o.fence(1)
		}, reason: ReasonFenceRefused, stalled: true, message: "Without docs-mongodb-2"},
		{state: "a fenced member whose node does not know", members: 3, settled: true, change: func(o *Observed) {
			o.Fenced = []int{2}
			o.fence(2)
			o.Database.Reports[o.Members[2].Host] = Report{PodUID: "pod-2", Fences: true}
		}, reason: ReasonMemberFencing, message: "docs-mongodb-2"},
		{state: "a fenced member of which another pod spoke", members: 3, settled: true, change: func(o *Observed) {
			o.Fenced = []int{2}
			o.fence(2)
			o.Members[2].PodUID = "pod-new"
		}, reason: ReasonMemberFencing, message: "docs-mongodb-2"},
		{state: "a fenced member of an older release", members: 3, settled: true, change: func(o *Observed) {
			o.Fenced = []int{2}
			o.fence(2)
			o.Database.Reports[o.Members[2].Host] = Report{Mute: true}
		}, reason: ReasonFenceRefused, stalled: true, message: "docs-mongodb-2"},
		{state: "a fenced member that knows", members: 3, settled: true, change: func(o *Observed) {
			o.Fenced = []int{2}
			o.fence(2)
		}, step: RestartMember, host: 2},
		{state: "a fenced member that knows, another is down", members: 5, settled: true, change: func(o *Observed) {
			o.Fenced = []int{2}
			o.fence(2)
			o.down(4)
		}, reason: ReasonQuorumAtRisk, message: "docs-mongodb-4"},
		{state: "a fenced member whose pod is being stopped", members: 3, settled: true, change: func(o *Observed) {
			o.stopped(2)
			o.Members[2].PodRunning, o.Members[2].PodTerminating = false, true
		}, reason: ReasonMemberRestarting, message: "docs-mongodb-2"},
		{state: "a fenced primary that knows", members: 3, settled: true, change: func(o *Observed) {
			o.Fenced = []int{0}
			o.fence(0)
		}, step: StepDown, host: 0},
		{state: "a fenced member that does not run", members: 3, settled: true, change: func(o *Observed) { o.stopped(2) }, reason: ReasonSettled},
		{state: "a second one of five to fence", members: 5, settled: true, change: func(o *Observed) {
			o.stopped(2)
			o.Fenced = append(o.Fenced, 3)
			o.fence(3)
		}, step: RestartMember, host: 3},
		{state: "a newer template while a member is fenced", members: 3, settled: true, change: func(o *Observed) {
			o.stopped(2)
			outdate(o, 0, 1, 2)
		}, reason: ReasonMemberFenced, message: "docs-mongodb-2"},
		{state: "a member to release", members: 3, settled: true, change: func(o *Observed) {
			o.stopped(2)
			o.Fenced = nil
		}, step: RecordIdentity},
		{state: "a member to release while there is no primary", members: 3, settled: true, change: func(o *Observed) {
			o.stopped(2)
			o.Fenced = nil
			o.down(0)
		}, step: RecordIdentity},
		{state: "forced while a member is fenced", members: 3, settled: true, change: func(o *Observed) {
			o.stopped(2)
			o.lost(0)
			o.ForcedReconfiguration = "now"
		}, reason: ReasonMemberMayComeBack, stalled: true, message: "docs-mongodb-2 is fenced"},

		// Growing.
		{state: "a member to add", members: 3, settled: true, change: func(o *Observed) {
			o.outOfConfig(2, StateNotYetInitialized)
			o.Members[2].Claim = ClaimRecord{}
		}, step: RecordIdentity},
		{state: "a member to add has its id", members: 3, settled: true, change: func(o *Observed) {
			o.outOfConfig(2, StateNotYetInitialized)
			o.Identity.Adding, o.Identity.HighestMemberID = new(2), 2
		}, step: AddMember, host: 2},
		{state: "a member that was removed comes back", members: 3, settled: true, change: func(o *Observed) { o.outOfConfig(2, StateRemoved) }, step: RecordIdentity},
		{state: "a removed member whose set is not known", members: 3, settled: true, change: func(o *Observed) {
			o.outOfConfig(2, StateRemoved)
			o.say(2, func(p *Probe) { p.ReplicaSetID = "" })
			o.Members[2].Claim = ClaimRecord{}
		}, reason: ReasonMemberStarting, message: "docs-mongodb-2"},
		{state: "a removed member with users of before, whose claim remembers the set", members: 3, settled: true, change: func(o *Observed) {
			o.outOfConfig(2, StateRemoved)
			o.say(2, func(p *Probe) { p.ReplicaSetID = "" })
		}, step: RecordIdentity},
		{state: "a removed member with users of before, whose claim remembers another set", members: 3, settled: true, change: func(o *Observed) {
			o.outOfConfig(2, StateRemoved)
			o.say(2, func(p *Probe) { p.ReplicaSetID = "" })
			o.Members[2].Claim.ReplicaSetID = "000000000000000000000000"
		}, reason: ReasonReplicaSetIDsDiffer, stalled: true},
		{state: "the added member was seen", members: 3, settled: true, change: func(o *Observed) { o.Identity.Adding = new(2) }, step: RecordIdentity},
		{state: "the last change is not committed", members: 3, settled: true, change: func(o *Observed) {
			o.outOfConfig(2, StateNotYetInitialized)
			o.Database.Config.Committed = false
		}, reason: ReasonConfigNotCommitted},
		{state: "the member before is copying", members: 3, settled: true, change: func(o *Observed) {
			o.outOfConfig(2, StateNotYetInitialized)
			o.say(1, func(p *Probe) { p.State = StateStartup2 })
			o.Database.Config.Voters = 1
		}, reason: ReasonMemberSyncing, message: "docs-mongodb-1"},
		{state: "the member before has no vote yet", members: 3, settled: true, change: func(o *Observed) {
			o.outOfConfig(2, StateNotYetInitialized)
			o.Database.Config.Voters = 1
		}, reason: ReasonMemberSyncing, message: "vote"},
		{state: "the member to add does not answer", members: 3, settled: true, change: func(o *Observed) {
			o.outOfConfig(2, StateNotYetInitialized)
			o.down(2)
		}, reason: ReasonMemberUnreachable, message: "docs-mongodb-2"},
		{state: "the volume of the member to add is not ours", members: 3, settled: true, change: func(o *Observed) {
			o.outOfConfig(2, StateNotYetInitialized)
			o.Members[2].ClaimOurs = false
		}, reason: ReasonVolumeNotOurs, stalled: true},
		{state: "the member to add holds another database", members: 3, settled: true, change: func(o *Observed) {
			o.outOfConfig(2, StateNotYetInitialized)
			o.say(2, func(p *Probe) { p.State, p.SetName = StatePrimary, "docs" })
		}, reason: ReasonVolumeHoldsOtherData, stalled: true, message: "data-docs-mongodb-2"},
		{state: "a member without vote has caught up", members: 3, settled: true, change: func(o *Observed) {
			o.Database.Config.Members[2].Votes, o.Database.Config.Voters = 0, 2
		}, step: PromoteMember, host: 2},

		// Shrinking.
		{state: "two members too many", members: 3, settled: true, change: func(o *Observed) { o.Desired = 1 }, step: RemoveMember, host: 2},
		{state: "one member too many", members: 3, settled: true, change: func(o *Observed) { o.Desired = 1; o.outOfConfig(2, StateRemoved) }, step: RemoveMember, host: 1},
		{state: "who is down leaves first", members: 3, settled: true, change: func(o *Observed) { o.Desired = 1; o.down(1) }, step: RemoveMember, host: 1},
		{state: "the primary is one too many, the other first", members: 3, settled: true, change: func(o *Observed) {
			o.Desired = 1
			o.Database.Primary = o.Members[2].Host
			o.say(2, func(p *Probe) { p.State = StatePrimary })
			o.say(0, func(p *Probe) { p.State = StateSecondary })
		}, step: RemoveMember, host: 1},
		{state: "the primary is the last one too many", members: 3, settled: true, change: func(o *Observed) {
			o.Desired = 1
			o.outOfConfig(2, StateRemoved)
			o.Database.Primary = o.Members[1].Host
			o.say(1, func(p *Probe) { p.State = StatePrimary })
			o.say(0, func(p *Probe) { p.State = StateSecondary })
		}, step: StepDown, host: 1},
		{state: "the primary is one too many and alone", members: 3, settled: true, change: func(o *Observed) {
			o.Desired = 1
			o.outOfConfig(2, StateRemoved)
			o.Database.Primary = o.Members[1].Host
			o.say(1, func(p *Probe) { p.State = StatePrimary })
			o.say(0, func(p *Probe) { p.State = StateRecovering })
		}, reason: ReasonNoSuccessor, message: "docs-mongodb-0"},
		{state: "only members too many are left", members: 3, settled: true, change: func(o *Observed) {
			o.Desired = 1
			o.outOfConfig(0, StateNotYetInitialized)
			o.outOfConfig(1, StateNotYetInitialized)
			o.Members[0].Claim = ClaimRecord{}
			o.Database.Primary = o.Members[2].Host
			o.say(2, func(p *Probe) { p.State = StatePrimary })
		}, step: RecordIdentity},
		{state: "removing would leave no majority", members: 3, settled: true, change: func(o *Observed) {
			o.Desired = 1
			o.say(0, func(p *Probe) { p.State = StateSecondary })
			o.Database.Primary = o.Members[2].Host
			o.say(2, func(p *Probe) { p.State = StatePrimary })
			o.down(0)
		}, reason: ReasonQuorumAtRisk, message: "docs-mongodb-0"},

		// A disk that was lost.
		{state: "a member copies onto a new volume", members: 3, settled: true, change: func(o *Observed) {
			o.Members[2].ClaimUID, o.Members[2].Claim = "claim-new", ClaimRecord{MemberID: -1}
			o.say(2, func(p *Probe) { p.State = StateStartup2 })
		}, step: RemoveMember, host: 2},
		{state: "a pod is about to start on a new volume", members: 3, settled: true, change: func(o *Observed) {
			o.Members[2].ClaimUID, o.Members[2].Claim = "claim-new", ClaimRecord{MemberID: -1}
			o.Members[2].PodRunning = false
			o.down(2)
		}, step: RemoveMember, host: 2},
		{state: "a member copies onto a new volume while another is down", members: 3, settled: true, change: func(o *Observed) {
			o.Members[2].ClaimUID, o.Members[2].Claim = "claim-new", ClaimRecord{MemberID: -1}
			o.say(2, func(p *Probe) { p.State = StateStartup2 })
			o.down(1)
		}, reason: ReasonMemberUnreachable, message: "docs-mongodb-1"},
		{state: "a member copies onto its own volume", members: 3, settled: true, change: func(o *Observed) {
			o.say(2, func(p *Probe) { p.State = StateStartup2 })
		}, reason: ReasonMemberSyncing, message: "docs-mongodb-2"},

		// Agents of another version of the operator.
		{state: "the operator was upgraded", members: 3, settled: true, change: func(o *Observed) {
			o.agents("old", "new")
		}, step: UpdateAgent, host: 2},
		{state: "the last agent but the primary's is the operator's", members: 3, settled: true, change: func(o *Observed) {
			o.agents("old", "new", 1, 2)
		}, step: UpdateAgent, host: 0},
		{state: "all agents are the operator's", members: 3, settled: true, change: func(o *Observed) {
			o.agents("old", "new", 0, 1, 2)
		}, reason: ReasonSettled},
		{state: "an agent that was exchanged does not run", members: 3, settled: true, change: func(o *Observed) {
			o.agents("old", "new", 2)
			o.Members[2].Agent.Ready = false
		}, reason: ReasonAgentStarting, message: "docs-mongodb-2"},
		{state: "an agent that was exchanged does not run, and the operator is rolled back", members: 3, settled: true, change: func(o *Observed) {
			o.agents("old", "old")
			o.Members[2].Agent = Agent{Update: AgentUpdate{Image: "new"}, Failed: true}
		}, step: UpdateAgent, host: 2},
		{state: "the agent of the only member was exchanged and does not run", members: 1, settled: true, change: func(o *Observed) {
			o.agents("old", "new", 0)
			o.Members[0].Agent.Ready = false
		}, reason: ReasonAgentStarting, message: "--dbagent-image"},
		{state: "an old agent starts in a new pod", members: 3, settled: true, change: func(o *Observed) {
			o.agents("old", "new")
			o.Members[1].Agent.Ready = false
			o.down(1)
		}, reason: ReasonMemberUnreachable},
		{state: "a pod of an older template whose agent was exchanged does not fit on any node, and another old agent fails", members: 3, settled: true, change: func(o *Observed) {
			o.agents("old", "new", 2)
			o.Members[2].PodOutdated, o.Members[2].Agent.Ready = true, false
			o.say(2, func(p *Probe) { p.State = StateSecondary })
			o.Members[1].Agent = Agent{Failed: true}
		}, step: UpdateAgent, host: 1},
		{state: "the operator was upgraded while a member is fenced", members: 3, settled: true, change: func(o *Observed) {
			o.agents("old", "new")
			o.stopped(2)
		}, step: UpdateAgent, host: 1},
		{state: "an old agent does not run, nor does its member", members: 3, settled: true, change: func(o *Observed) {
			o.agents("old", "new")
			o.Members[1].Agent = Agent{Failed: true}
			o.down(1)
		}, step: UpdateAgent, host: 1},
		{state: "an old agent does not run before anything is initiated", members: 1, change: func(o *Observed) {
			o.agents("old", "new")
			o.Members[0].Agent = Agent{Failed: true}
			o.say(0, func(p *Probe) { *p = Probe{State: StateUnreachable} })
		}, step: UpdateAgent, host: 0},
		{state: "an old agent does not run, and the first that was exchanged neither", members: 3, settled: true, change: func(o *Observed) {
			o.agents("old", "new", 2)
			o.Members[1].Agent, o.Members[2].Agent.Ready = Agent{Failed: true}, false
		}, reason: ReasonAgentStarting},
		{state: "an agent of nobody's does not run", members: 3, settled: true, change: func(o *Observed) {
			o.agents("old", "old")
			o.Members[1].Agent.Ready = false
		}, reason: ReasonSettled},
		{state: "a member is down while the operator was upgraded", members: 3, settled: true, change: func(o *Observed) {
			o.agents("old", "new")
			o.down(1)
		}, reason: ReasonMemberUnreachable},
		{state: "the pods are of an older template, and the operator was upgraded", members: 3, settled: true, change: func(o *Observed) {
			o.agents("new", "new")
			for i := range o.Members {
				o.Members[i].PodOutdated = true
			}
		}, step: RestartMember, host: 2},

		// Elections.
		{state: "MongoDB's own election timeout", members: 3, settled: true, change: func(o *Observed) {
			o.Database.Config.ElectionTimeout = 10 * time.Second
		}, step: ShortenElections},
		{state: "MongoDB's own election timeout while a member is down", members: 3, settled: true, change: func(o *Observed) {
			o.Database.Config.ElectionTimeout = 10 * time.Second
			o.down(2)
		}, reason: ReasonMemberUnreachable, message: "docs-mongodb-2"},
		{state: "an election timeout that a person has chosen", members: 3, settled: true, change: func(o *Observed) {
			o.Database.Config.ElectionTimeout = 30 * time.Second
		}, reason: ReasonSettled},

		// Restarts.
		{state: "all pods outdated", members: 3, settled: true, change: func(o *Observed) { outdate(o, 0, 1, 2) }, step: RestartMember, host: 2},
		{state: "the primary's pod outdated", members: 3, settled: true, change: func(o *Observed) { outdate(o, 0) }, step: StepDown},
		{state: "the only pod outdated", members: 1, settled: true, change: func(o *Observed) { outdate(o, 0) }, step: RestartMember},
		{state: "outdated while another is down", members: 3, settled: true, change: func(o *Observed) { outdate(o, 0, 1); o.down(2) }, reason: ReasonMemberUnreachable, message: "docs-mongodb-2"},
		{state: "outdated while another restarts", members: 3, settled: true, change: func(o *Observed) { outdate(o, 0, 1); o.Members[2].PodTerminating = true }, reason: ReasonMemberRestarting, message: "docs-mongodb-2"},
		{state: "outdated while another is behind", members: 3, settled: true, change: func(o *Observed) { outdate(o, 0, 1); o.say(2, func(p *Probe) { p.Lag = LagSome }) }, reason: ReasonMemberLagging, message: "docs-mongodb-2"},
		{state: "outdated and down", members: 3, settled: true, change: func(o *Observed) { outdate(o, 0, 1, 2); o.down(1) }, step: RestartMember, host: 1},
		{state: "outdated and not ready, but nobody asked yet", members: 1, settled: true, change: func(o *Observed) {
			outdate(o, 0)
			o.Members[0].PodReady, o.Database = false, Snapshot{}
		}, reason: ReasonNotObservedYet, message: "docs-mongodb-0"},
		{state: "outdated and not reached, but ready", members: 3, settled: true, change: func(o *Observed) { outdate(o, 1); o.down(1); o.Members[1].PodReady = true }, reason: ReasonMemberUnreachable, message: "docs-mongodb-1"},
		{state: "the new template does not start at the first member", members: 3, settled: true, change: func(o *Observed) { outdate(o, 0, 1); o.down(2); o.down(1) }, reason: ReasonMemberUnreachable, message: "docs-mongodb-1"},
		{state: "outdated before there is a set", members: 1, change: func(o *Observed) { outdate(o, 0); o.down(0) }, step: RestartMember},
		{state: "outdated and empty", members: 3, change: func(o *Observed) { outdate(o, 1) }, step: RestartMember, host: 1},
		{state: "outdated, but being initiated", members: 1, change: func(o *Observed) { outdate(o, 0); o.Identity.Intent = intentOn(*o, 0) }, step: Bootstrap},

		{state: "an impossible number", members: 1, change: func(o *Observed) { o.Desired = 8 }, reason: ReasonMembersInvalid, stalled: true},
	} {
		t.Run(fmt.Sprintf("%d members/%s", c.members, c.state), func(t *testing.T) {
			o := fresh(c.members)
			if c.settled {
				o = settledSet(c.members)
			}
			c.change(&o)
			d := Next(o)
			if c.step != "" {
				if d.Step == nil || d.Step.Kind != c.step {
					t.Fatalf("decided %+v, want %s", d, c.step)
				}
				if host := d.Step.Host; host != "" && host != MemberHost("docs", "ns", "cluster.local", c.host) {
					t.Errorf("%s is about %s, want member %d", c.step, host, c.host)
				}
				return
			}
			if d.Step != nil || d.Reason != c.reason || d.Stalled != c.stalled || d.Settled != (c.reason == ReasonSettled) {
				t.Fatalf("decided %+v with step %+v, want %s", d, d.Step, c.reason)
			}
			if !strings.Contains(d.Message, c.message) || !strings.HasSuffix(d.Message, ".") {
				t.Errorf("message %q, want a sentence with %q", d.Message, c.message)
			}
		})
	}
}

func outdate(o *Observed, members ...int) {
	for _, i := range members {
		o.Members[i].PodOutdated = true
	}
}
