package status

// Reasons of conditions. The database's own stand in package mongodb.
const (
	ReasonReady       = "Ready"
	ReasonAvailable   = "Available"
	ReasonProgressing = "Progressing"
	ReasonSuspended   = "Suspended"

	// ReasonProgressDeadlineExceeded: nothing has moved for ProgressDeadline.
	ReasonProgressDeadlineExceeded = "ProgressDeadlineExceeded"
	// ReasonSecretMissing: a Secret that the spec names does not exist.
	ReasonSecretMissing = "SecretMissing"
	// ReasonSecretKeyMissing: a Secret that the spec names lacks the key, or the key is empty.
	ReasonSecretKeyMissing = "SecretKeyMissing"
	// ReasonSecretLost: volumes exist, and a generated Secret that opens them does not.
	ReasonSecretLost = "SecretLost"
	// ReasonKeyfileEdited: the members' keyfile was changed by somebody else.
	ReasonKeyfileEdited = "KeyfileEdited"
	// ReasonObjectConflict: an object that the operator would make belongs to somebody else.
	ReasonObjectConflict = "ObjectConflict"
	// ReasonRecordUnreadable: a release or the replica set's identity cannot be read.
	ReasonRecordUnreadable = "RecordUnreadable"
	// ReasonApplyFailed: the API server refused an object.
	ReasonApplyFailed = "ApplyFailed"
	// ReasonStepFailed: a step of the database failed and will be tried again.
	ReasonStepFailed = "DatabaseStepFailed"
	// ReasonDatabaseWentBack: members did not start as the spec asks, and run as before.
	ReasonDatabaseWentBack = "DatabaseWentBack"
	// ReasonCertificateValid, ReasonCertificateExpiring and ReasonCertificateExpired are of the
	// database's certificate.
	ReasonCertificateValid    = "CertificateValid"
	ReasonCertificateExpiring = "CertificateExpiring"
	ReasonCertificateExpired  = "CertificateExpired"
	// ReasonCertificateChanging: another certificate or authority is on its way.
	ReasonCertificateChanging = "CertificateChanging"
	// ReasonCertificateRefused: what the spec asks for is no good, and members serve what they did before.
	ReasonCertificateRefused = "CertificateRefused"
	// ReasonCertificateNotServed: a member does not take the certificate up.
	ReasonCertificateNotServed = "CertificateNotServed"
	// ReasonAuthorityUnusable: the operator cannot sign with the authority in its Secret.
	ReasonAuthorityUnusable = "AuthorityUnusable"
	// ReasonImagePullFailed: the kubelet cannot get an image.
	ReasonImagePullFailed = "ImagePullFailed"
	// ReasonContainerStartFailed: the image is there, and the container cannot be started from it.
	ReasonContainerStartFailed = "ContainerStartFailed"
	// ReasonContainerCrashing: a container ends with an error again and again.
	ReasonContainerCrashing = "ContainerCrashing"
	// ReasonPodFailed: a pod was evicted or rejected by its node.
	ReasonPodFailed = "PodFailed"
	// ReasonPodUnschedulable: a pod fits on no node.
	ReasonPodUnschedulable = "PodUnschedulable"
	// ReasonPodsRefused: a quota or an admission policy refuses pods.
	ReasonPodsRefused = "PodsRefused"
	// ReasonVolumeNotBound: a volume claim has no volume.
	ReasonVolumeNotBound = "VolumeNotBound"
	// ReasonDiskSufficient, ReasonDiskFilling and ReasonDiskFull are of the primary's volume.
	ReasonDiskSufficient = "DiskSufficient"
	ReasonDiskFilling    = "DiskFilling"
	ReasonDiskFull       = "DiskFull"
	// ReasonVolumeGrowing: a volume is being made larger.
	ReasonVolumeGrowing = "VolumeGrowing"
	// ReasonVolumeCannotGrow: a volume is smaller than the spec asks, and its StorageClass or its driver
	// does not make it larger.
	ReasonVolumeCannotGrow = "VolumeCannotGrow"
	// ReasonNoBackupYet: the first backup is not due yet.
	ReasonNoBackupYet = "NoBackupYet"
	// ReasonSameFailureDomain: backups are made, and kept in the cluster that they are of.
	ReasonSameFailureDomain = "SameFailureDomain"
	// ReasonBackupFailed: the last backup did not succeed.
	ReasonBackupFailed = "BackupFailed"
	// ReasonBackupOverdue: the schedule promised a backup that there is not.
	ReasonBackupOverdue = "BackupOverdue"
	// ReasonBackupScheduleRefused: the schedule or its time zone is none.
	ReasonBackupScheduleRefused = "BackupScheduleRefused"
	// ReasonBackupUnsupported: the server is too old to be read as it was at one moment.
	ReasonBackupUnsupported = "BackupUnsupported"
	// ReasonStorageClassMissing: a volume claim names a class that does not exist, or none where
	// the cluster has no default.
	ReasonStorageClassMissing = "StorageClassMissing"
)

// Trouble is something that keeps a part from being as the spec asks.
type Trouble struct {
	Reason string
	// Message names the object and says what to do.
	Message string
	// NeedsPerson says that waiting does not help.
	NeedsPerson bool
	// Unwatched says that the operator is not told when it is over: it has to look again.
	Unwatched bool
}
