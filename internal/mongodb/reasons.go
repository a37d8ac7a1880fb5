package mongodb

// Reasons of decisions. A reason of a step is the step's kind.
const (
	ReasonSettled = "Settled"

	// A person has to help.
	ReasonMembersInvalid       = "MembersInvalid"
	ReasonCredentialsMissing   = "CredentialsMissing"
	ReasonCredentialsRefused   = "CredentialsRefused"
	ReasonAdminUserMissing     = "AdminUserMissing"
	ReasonReplicaSetIDsDiffer  = "ReplicaSetIDsDiffer"
	ReasonAllVolumesEmpty      = "AllVolumesEmpty"
	ReasonVolumeNotOurs        = "VolumeNotOurs"
	ReasonVolumeHoldsOtherData = "VolumeHoldsOtherData"
	ReasonUnknownMember        = "UnknownMember"
	ReasonSetNameDiffers       = "SetNameDiffers"
	ReasonVersionRefused       = "VersionRefused"
	ReasonVersionUnknown       = "VersionUnknown"

	// Time or a healing member helps.
	ReasonCredentialsPending     = "CredentialsPending"
	ReasonVolumePending          = "VolumePending"
	ReasonPodPending             = "PodPending"
	ReasonMemberUnreachable      = "MemberUnreachable"
	ReasonMemberStarting         = "MemberStarting"
	ReasonNotObservedYet         = "NotObservedYet"
	ReasonNoPrimary              = "NoPrimary"
	ReasonConfigNotCommitted     = "ConfigNotCommitted"
	ReasonMemberSyncing          = "MemberSyncing"
	ReasonMemberLagging          = "MemberLagging"
	ReasonMemberUnhealthy        = "MemberUnhealthy"
	ReasonMemberRestarting       = "MemberRestarting"
	ReasonRolloutPending         = "RolloutPending"
	ReasonQuorumAtRisk           = "QuorumAtRisk"
	ReasonNoSuccessor            = "NoSuccessor"
	ReasonApplicationUserMissing = "ApplicationUserMissing"
	ReasonPrimaryElected         = "PrimaryElected"
	ReasonMemberMissing          = "MemberMissing"
	ReasonMembersHealthy         = "MembersHealthy"
)
