package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BackupSpec is when the database is saved, and what is kept. Backups need MongoDB 5.0 or later, and a database
// that the operator runs.
type BackupSpec struct {
	// suspend makes no backups on schedule. What there is stays.
	// +optional
	Suspend *bool `json:"suspend,omitempty"`

	// schedule of backups, in the five fields of cron or as a word such as @daily. Absent: 0 2 * * *, every night at two.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="!self.contains('TZ')",message="backup.schedule takes no time zone: put it into backup.timeZone."
	// +optional
	Schedule string `json:"schedule,omitempty"`

	// timeZone of the schedule, by its name in the database of IANA. Absent: Etc/UTC.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z][A-Za-z0-9_+/-]*$') && self != 'Local'",message="backup.timeZone must be a name such as Europe/Zurich or Etc/UTC."
	// +optional
	TimeZone string `json:"timeZone,omitempty"`

	// deadlineSeconds is the most that one backup may take. mongod keeps for as long what changes, so that the moment that
	// is saved can be read to its end: another value restarts the members, one at a time. Absent: 3600.
	// +kubebuilder:validation:Minimum=300
	// +kubebuilder:validation:Maximum=86400
	// +optional
	DeadlineSeconds int32 `json:"deadlineSeconds,omitempty"`

	// retention is how long backups are kept. Each backup that succeeds removes what is older.
	// +optional
	Retention BackupRetentionSpec `json:"retention,omitzero"`

	// volume is where backups are kept.
	// +optional
	Volume BackupVolumeSpec `json:"volume,omitzero"`

	// encryption makes backups readable only with a key that is not in this cluster.
	// +optional
	Encryption BackupEncryptionSpec `json:"encryption,omitzero"`
}

// BackupRetentionSpec is how long backups are kept.
type BackupRetentionSpec struct {
	// days after which a backup is removed. Absent: 30.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=36500
	// +optional
	Days int32 `json:"days,omitempty"`

	// keepAtLeast is how many of the newest stay however old they are. Absent: 7.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	// +optional
	KeepAtLeast int32 `json:"keepAtLeast,omitempty"`
}

// BackupVolumeSpec is the volume claim NAME-backup. It stays when the ChatPDFDeployment is deleted. Once it exists, the
// operator leaves it as it is: to make it larger, change the claim itself.
type BackupVolumeSpec struct {
	// size of the volume. Absent: 10Gi.
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 1073741824 : isQuantity(self) && quantity(self).compareTo(quantity('1Gi')) >= 0",message="backup.volume.size must be a quantity of at least 1Gi, such as 50Gi."
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +optional
	Size *resource.Quantity `json:"size,omitempty"`

	// storageClassName of the volume. Absent: the cluster's default class.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +optional
	StorageClassName string `json:"storageClassName,omitempty"`
}

// BackupEncryptionSpec is for whom backups are encrypted, with age (https://age-encryption.org).
type BackupEncryptionSpec struct {
	// recipients are public keys of age, as age-keygen prints them. Whoever has the secret key of one of them can read
	// the backups; keep it outside of the cluster, and try it. Absent: backups are not encrypted.
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^age1[02-9ac-hj-np-z]{58}$')",message="backup.encryption.recipients must be public keys of age, which begin with age1. Never put a secret key there."
	// +optional
	Recipients []string `json:"recipients,omitempty"`
}

// BackupStatus is what there is to come back to.
type BackupStatus struct {
	// lastScheduleTime is when the last backup on schedule began.
	// +optional
	LastScheduleTime *metav1.Time `json:"lastScheduleTime,omitempty"`

	// last is the newest backup that succeeded.
	// +optional
	Last *BackupRecord `json:"last,omitempty"`
}

// BackupRecord is one backup.
type BackupRecord struct {
	// id names it at its destination.
	// +required
	ID string `json:"id"`

	// pointInTime is the moment that it shows.
	// +required
	PointInTime metav1.Time `json:"pointInTime"`

	// documents in all collections.
	// +optional
	Documents int64 `json:"documents,omitempty"`

	// size of the archive.
	// +optional
	Size *resource.Quantity `json:"size,omitempty"`
}
