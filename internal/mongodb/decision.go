package mongodb

import "k8s.io/apimachinery/pkg/types"

// Decision is the next step, or the reason why there is none.
type Decision struct {
	// Step to take now; nil means that nothing may be done now.
	Step *Step
	// Reason in CamelCase, one of the Reason constants.
	Reason string
	// Message is a sentence that names the member and, where a person can help, what to do.
	Message string
	// Stalled says that only a person can help.
	Stalled bool
	// Settled says that nothing is left to do: the set is as wanted.
	Settled bool
}

// StepKind names what a step does.
type StepKind string

// Kinds of steps. The database's part of every kind is carried out by
// internal/mongodb/replset, Execute; the part of the API server by internal/apply, afterwards
// and only if Execute returned no error:
//
//	RecordIntent    Execute looks at every member once more     then write Step.Identity
//	Bootstrap       Execute calls the member's dbagent
//	RecordIdentity  Execute looks at those members once more    write Step.Identity and Step.Claims
//	AddMember       Execute reconfigures
//	PromoteMember   Execute gives a member that has caught up its vote (servers before 5.0)
//	RemoveMember    Execute reconfigures
//	ShortenElections  Execute sets how long members wait for a primary
//	EnsureUsers     Execute creates or corrects the app user
//	EnsureMetricsUser  Execute does the same with the user for metrics
//	EnsureBackupUser  Execute does the same with the user for backups
//	EnsureAdminPassword  Execute gives the operator's own user its next password
//	DropUser        Execute removes a user that nobody uses any more
//	StepDown        Execute asks the primary to step down
//	RaiseFeatureCompatibility  Execute asks the primary
//	ForceReconfiguration  Execute looks once more, then makes
//	                Step.Healthy the whole configuration        write Step.Identity
//	RestartMember   Execute looks at every member once more     then delete Step.Pod
//	UpdateAgent     Execute does nothing                        then exchange the agent of Step.Pod
const (
	RecordIntent   StepKind = "RecordIntent"
	Bootstrap      StepKind = "Bootstrap"
	RecordIdentity StepKind = "RecordIdentity"
	AddMember      StepKind = "AddMember"
	PromoteMember  StepKind = "PromoteMember"
	RemoveMember   StepKind = "RemoveMember"
	EnsureUsers    StepKind = "EnsureUsers"
	StepDown       StepKind = "StepDown"
	RestartMember  StepKind = "RestartMember"

	ShortenElections          StepKind = "ShortenElections"
	EnsureMetricsUser         StepKind = "EnsureMetricsUser"
	EnsureBackupUser          StepKind = "EnsureBackupUser"
	EnsureAdminPassword       StepKind = "EnsureAdminPassword"
	DropUser                  StepKind = "DropUser"
	RaiseFeatureCompatibility StepKind = "RaiseFeatureCompatibility"
	ForceReconfiguration      StepKind = "ForceReconfiguration"
	UpdateAgent               StepKind = "UpdateAgent"
)

// Step is one act. Each is safe to repeat.
type Step struct {
	Kind StepKind
	// Host is the member that the step is about; empty for steps about the whole set.
	Host string
	// ReplicaSetID that the set must have for the step to be taken; empty before it is known.
	ReplicaSetID string
	// MemberID is the _id for AddMember.
	MemberID int
	// Expect is the state that Host must still have when Execute looks once more before
	// RestartMember.
	Expect State
	// Healthy hosts must be PRIMARY or SECONDARY when Execute looks once more: the other members
	// before RestartMember, and where any are named before StepDown, caught up; the members whose claims are written before RecordIdentity; the
	// members that remain before ForceReconfiguration.
	Healthy []string
	// Empty hosts must be NotYetInitialized when Execute looks once more before RecordIntent.
	Empty []string
	// Identity is the whole identity to write for RecordIntent, RecordIdentity and ForceReconfiguration: Identity.Data
	// is the ConfigMap's data. Nil for other kinds.
	Identity *Identity
	// Claims are annotations to write for RecordIdentity, after the ConfigMap.
	Claims []ClaimWrite
	// Pod to delete for RestartMember, or to change for UpdateAgent; with its UID as precondition.
	Pod *PodRef
	// Agent for UpdateAgent.
	Agent *AgentUpdate
	// FeatureCompatibility to raise the data to, for RaiseFeatureCompatibility.
	FeatureCompatibility Series
	// Username for DropUser.
	Username string
	// Intent for Bootstrap: what the agent must confirm.
	Intent *Intent
}

// ClaimWrite is a record to write to one volume claim: ClaimRecord.Annotations are the
// annotations.
type ClaimWrite struct {
	// Name of the claim.
	Name string
	// UID that the claim must still have.
	UID types.UID
	// Record to write.
	Record ClaimRecord
}

// PodRef is one pod.
type PodRef struct {
	Name string
	UID  types.UID
}
