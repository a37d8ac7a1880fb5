package mongodb

import "k8s.io/apimachinery/pkg/types"

// MaxMembers is the largest number of voting members that MongoDB allows.
const MaxMembers = 7

// Observed is everything that [Next] may know.
type Observed struct {
	// Deployment is the name of the ChatPDFDeployment, and of the replica set.
	Deployment string
	// Desired is the number of members wanted, 1 to [MaxMembers].
	Desired int32
	// Image of mongod that the members should run.
	Image string
	// AgentImage that should run beside every mongod; empty: what runs stays.
	AgentImage string
	// TemplateAgentImage is the agent's image in the template that the members' pods are made from.
	TemplateAgentImage string
	// FeatureCompatibility that the data should have; zero: as it is.
	FeatureCompatibility Series
	// ForcedReconfiguration is what a person calls the one that is asked for; empty if none is.
	ForcedReconfiguration string
	// Fenced are the ordinals of the members whose mongod is not to run.
	Fenced []int
	// StatefulSetReplicas is what the StatefulSet's spec says now; 0 if it does not exist.
	StatefulSetReplicas int32
	// RolloutUnseen says that the StatefulSet's controller has not seen its latest spec yet: nobody can
	// tell which pods are outdated.
	RolloutUnseen bool
	// ReplacedUsersStay says that a user has just taken the place of another: clients may not have read so yet.
	ReplacedUsersStay bool
	// CredentialsExist says whether the Secrets with the admin user, the app user, the keyfile and
	// the agent's token all exist.
	CredentialsExist bool
	// Identity is what the identity ConfigMap says; zero if there is no such ConfigMap.
	Identity Identity
	// Members are the members by ordinal, without gaps: every ordinal that is desired, that the
	// StatefulSet has now, or that has a pod or a claim.
	Members []Member
	// Database is what the watcher saw last.
	Database Snapshot
}

// Member is what the API server says about one member.
type Member struct {
	// Ordinal in the StatefulSet.
	Ordinal int
	// Host is what [MemberHost] says.
	Host string

	// PodUID is empty while there is no pod.
	PodUID types.UID
	// PodRunning says that the mongod container runs and the pod is not being deleted.
	PodRunning bool
	// PodReady is the pod's Ready condition.
	PodReady bool
	// PodTerminating says that the pod has a deletion time.
	PodTerminating bool
	// PodOutdated says that the pod was made from another template than the StatefulSet's update
	// revision, or started with another keyfile than the present one.
	PodOutdated bool
	// Agent beside its mongod.
	Agent Agent

	// ClaimUID is empty while there is no claim (or it is being deleted).
	ClaimUID types.UID
	// ClaimOurs says that the claim carries the labels of this deployment's database.
	ClaimOurs bool
	// Claim is what the claim's annotations say ([ParseClaimRecord]); zero if they say nothing.
	Claim ClaimRecord
}

// ClaimRecord is what a volume claim remembers in its annotations: which replica set its data
// belong to, and as which member.
type ClaimRecord struct {
	// ReplicaSetID is empty if the claim was never part of a replica set.
	ReplicaSetID string
	// MemberID is the _id of the member in the replica set configuration.
	MemberID int
}

// Identity is what must survive the resource and its status.
type Identity struct {
	// ReplicaSetID is the id that the set was given when it was initiated; empty before that is
	// known.
	ReplicaSetID string
	// Intent is the one volume that may be initiated; nil if none was chosen yet.
	Intent *Intent
	// FeatureCompatibility of the data, as it was read last; zero before that.
	FeatureCompatibility Series
	// ForcedReconfiguration is the last one that was asked for and is done with.
	ForcedReconfiguration string
	// Fenced are the pods whose mongod may not run: their agents read it here.
	Fenced []string
	// HighestMemberID is the highest member _id ever given away.
	HighestMemberID int
	// Adding is the member _id that was given away last and has not been seen in the configuration
	// yet; nil if there is none.
	Adding *int
}

// Intent names the one member that may be initiated.
type Intent struct {
	// Host of the member, with port.
	Host string
	// PodUID that the agent must confirm to be its own.
	PodUID types.UID
	// ClaimUID of the volume: a new volume under the same name is another volume.
	ClaimUID types.UID
}
