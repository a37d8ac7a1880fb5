package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Types of the conditions. Ready, Reconciling and Stalled follow kstatus
// (https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus): Reconciling and Stalled
// stand only while they are true.
const (
	// ConditionReady is True while the front door serves and every part is available.
	ConditionReady = "Ready"
	// ConditionReconciling is True while the operator is working towards the spec.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is True when only a person can help; the message says how.
	ConditionStalled = "Stalled"
	// ConditionSuspended is True while spec.suspend holds the operator back.
	ConditionSuspended = "Suspended"
	// ConditionBackendAvailable is True while the API has the pods it needs to answer.
	ConditionBackendAvailable = "BackendAvailable"
	// ConditionFrontendAvailable is True while the page has the pods it needs to answer.
	ConditionFrontendAvailable = "FrontendAvailable"
	// ConditionDatabaseCertificateValid is True while the certificate of the database's members has more
	// than three weeks left.
	ConditionDatabaseCertificateValid = "DatabaseCertificateValid"
	// ConditionDatabaseDiskSufficient is True while the volume of the primary is less than 80 % full.
	ConditionDatabaseDiskSufficient = "DatabaseDiskSufficient"
	// ConditionDatabaseHealthy is True while every member of the replica set votes, serves and is caught up.
	ConditionDatabaseHealthy = "DatabaseHealthy"
	// ConditionDatabaseAvailable is True while the replica set has a primary that takes writes.
	ConditionDatabaseAvailable = "DatabaseAvailable"
	// ConditionBackupHealthy is True while the newest backup is as new as the schedule promises.
	ConditionBackupHealthy = "BackupHealthy"
)

// ChatPDFDeploymentStatus is what was observed last.
type ChatPDFDeploymentStatus struct {
	// observedGeneration is the generation of spec that this status speaks of; -1 before the first look.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions of the whole and of each part.
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// endpoints are where this ChatPDF answers.
	// +optional
	Endpoints EndpointsStatus `json:"endpoints,omitzero"`

	// release is what runs now.
	// +optional
	Release ReleaseStatus `json:"release,omitzero"`

	// backend counts the API's pods.
	// +optional
	Backend WorkloadStatus `json:"backend,omitzero"`

	// frontend counts the page's pods.
	// +optional
	Frontend WorkloadStatus `json:"frontend,omitzero"`

	// mongodb is the replica set.
	// +optional
	MongoDB MongoDBStatus `json:"mongodb,omitzero"`

	// backup is what there is to come back to.
	// +optional
	Backup BackupStatus `json:"backup,omitzero"`
}

// EndpointsStatus is where this ChatPDF answers.
type EndpointsStatus struct {
	// internalURL is the front door inside the cluster.
	// +optional
	InternalURL string `json:"internalURL,omitempty"`

	// adminSecretName is the Secret with the first administrator's name and password.
	// +optional
	AdminSecretName string `json:"adminSecretName,omitempty"`
}

// ReleaseStatus is one release, as kept in a ControllerRevision.
type ReleaseStatus struct {
	// name of the ControllerRevision.
	// +optional
	Name string `json:"name,omitempty"`

	// revision counts the releases of this ChatPDF, from 1.
	// +optional
	Revision int64 `json:"revision,omitempty"`

	// image of the application in this release.
	// +optional
	Image string `json:"image,omitempty"`
}

// WorkloadStatus counts the pods of one part.
type WorkloadStatus struct {
	// ready is pods that are ready and of the current release, of pods wanted, such as "2/2".
	// +optional
	Ready string `json:"ready,omitempty"`
}

// MongoDBStatus is the replica set as last seen.
type MongoDBStatus struct {
	// ready is members that are primary or secondary, of members wanted, such as "3/3".
	// +optional
	Ready string `json:"ready,omitempty"`

	// image of mongod in the release that runs.
	// +optional
	Image string `json:"image,omitempty"`

	// featureCompatibilityVersion of the data, such as "6.0".
	// +optional
	FeatureCompatibilityVersion string `json:"featureCompatibilityVersion,omitempty"`

	// leftVolumes are the claims of members that are no longer wanted, and of none that are. Nothing uses
	// them; delete those whose data you do not need.
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +optional
	LeftVolumes []string `json:"leftVolumes,omitempty"`

	// volumeSize is the largest size that a member's volume has. A size that was asked for in vain may be taken
	// back to no less.
	// +optional
	VolumeSize *resource.Quantity `json:"volumeSize,omitempty"`

	// retiredUsers are the database users whose place another one has taken and that a client still has a
	// connection of, or had a moment ago. They are removed when none is left.
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +optional
	RetiredUsers []string `json:"retiredUsers,omitempty"`

	// passwordsSince is since when the oldest of the passwords that are replaced by rotation has been in use.
	// +optional
	PasswordsSince *metav1.Time `json:"passwordsSince,omitempty"`

	// members of the replica set.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	// +optional
	Members []MongoDBMemberStatus `json:"members,omitempty"`
}

// MongoDBMemberStatus is one member as last seen.
type MongoDBMemberStatus struct {
	// name of the pod.
	// +required
	Name string `json:"name"`

	// state of the member in MongoDB's own words, such as PRIMARY or SECONDARY; UNREACHABLE if it does not answer.
	// +optional
	State string `json:"state,omitempty"`

	// lag behind the primary: None is up to 15 seconds, Some up to a minute, High more. Absent while
	// nobody can tell.
	// +optional
	Lag string `json:"lag,omitempty"`
}
