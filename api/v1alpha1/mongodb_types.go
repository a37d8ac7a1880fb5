package v1alpha1

import "k8s.io/apimachinery/pkg/api/resource"

// MongoDBSpec is the replica set that holds everything: accounts, passages and the PDFs themselves.
// +kubebuilder:validation:XValidation:rule="!has(self.external) || !(has(self.members) || has(self.image) || has(self.featureCompatibilityVersion) || has(self.passwordRotation) || has(self.keyfileRotation) || has(self.tls) || has(self.forcedReconfiguration) || has(self.fencedMembers) || has(self.storage) || has(self.resources))",message="mongodb.external is a database that the operator does not run: leave out every other field of mongodb."
// +kubebuilder:validation:XValidation:rule="!has(self.fencedMembers) || self.fencedMembers.all(m, m < (has(self.members) ? self.members : 1)) && 2 * size(self.fencedMembers) < (has(self.members) ? self.members : 1)",message="mongodb.fencedMembers may name a minority of the members, by their ordinals: the others have to be a majority. To stop a database of one member, delete the ChatPDFDeployment: its volumes stay."
type MongoDBSpec struct {
	// external is a database that somebody else runs: the operator makes none, checks whether ChatPDF can work with that
	// one, and changes nothing there. It is chosen when the ChatPDFDeployment is made.
	// +optional
	External *ExternalDatabaseSpec `json:"external,omitempty"`

	// members is the number of voting members: 1, or to survive the loss of one, two or three of them 3,
	// 5 or 7. Absent: 1.
	// +kubebuilder:validation:XValidation:rule="self in [1, 3, 5, 7]",message="mongodb.members must be 1, 3, 5 or 7: an even number of voters survives no more failures than one fewer does, and MongoDB has no more than 7."
	// +optional
	Members int32 `json:"members,omitempty"`

	// image of mongod, 4.4 or later, with a tag that says its version. Another one is taken up if it
	// opens the data: any patch release, or the next major series once featureCompatibilityVersion is
	// at the present one. Absent: the image this operator was tested with.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^\\\\s]+$')",message="mongodb.image must be an image reference without spaces, such as docker.io/library/mongo:8.0.4."
	// +optional
	Image string `json:"image,omitempty"`

	// featureCompatibilityVersion raises what the data may hold to a release series, such as "6.0",
	// once every member runs that series. It cannot be taken back: afterwards no earlier series opens
	// the data, and no rollback to one is possible. Let a new series prove itself first.
	// Absent: it stays what it is.
	// +kubebuilder:validation:MaxLength=7
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,3}[.][0-9]{1,3}$')",message="mongodb.featureCompatibilityVersion must be a release series in quotes, such as \"6.0\"."
	// +optional
	FeatureCompatibilityVersion string `json:"featureCompatibilityVersion,omitempty"`

	// passwordRotation replaces the passwords of the database users of the application, of the agents, of backups and
	// of the operator itself. Absent: they stay.
	// +optional
	PasswordRotation PasswordRotationSpec `json:"passwordRotation,omitzero"`

	// keyfileRotation replaces what the members know each other by. Absent: it stays.
	// +optional
	KeyfileRotation KeyfileRotationSpec `json:"keyfileRotation,omitzero"`

	// tls is what the database's certificates come from. Connections without TLS are always refused.
	// +optional
	TLS DatabaseTLSSpec `json:"tls,omitzero"`

	// fencedMembers are the ordinals of members whose mongod does not run while they stand here, for example to look at a
	// volume: their pods stay, with the agent and what is mounted. A primary steps down first. Everything that would
	// restart members waits meanwhile.
	// +listType=set
	// +kubebuilder:validation:MaxItems=3
	// +kubebuilder:validation:items:Minimum=0
	// +kubebuilder:validation:items:Maximum=6
	// +optional
	FencedMembers []int32 `json:"fencedMembers,omitempty"`

	// forcedReconfiguration is the way out when a majority of the members is lost for good, so that the others can elect no
	// primary. Absent: the operator never forces anything.
	// +optional
	ForcedReconfiguration *ForcedReconfigurationSpec `json:"forcedReconfiguration,omitempty"`

	// storage of one member.
	// +optional
	Storage StorageSpec `json:"storage,omitzero"`

	// resources of one member. Absent: requests of 250m CPU and 512Mi, limits of 2 CPU and 1Gi.
	// +optional
	Resources ResourcesSpec `json:"resources,omitzero"`
}

// ExternalDatabaseSpec is a replica set or a sharded cluster of MongoDB 4.4 or later that somebody else runs.
type ExternalDatabaseSpec struct {
	// uriSecretRef names the key of a Secret that holds the connection string, mongodb:// or mongodb+srv://, with user and
	// password; its path is the name of the database, chatpdf if there is none. The user needs the role readWrite there.
	// +required
	URISecretRef SecretKeyRef `json:"uriSecretRef"`

	// caSecretRef names the key of a Secret with the authorities, in PEM, that the servers' certificates are trusted of.
	// Absent: those that browsers trust, if the connection string asks for TLS.
	// +optional
	CASecretRef *SecretKeyRef `json:"caSecretRef,omitempty"`
}

// DatabaseTLSSpec is what the database's certificates come from: an authority of the operator's own unless it names
// another source. Certificates and authorities are replaced while the database runs, with MongoDB 5.0 or later.
// +kubebuilder:validation:XValidation:rule="!has(self.certificateSecretRef) || !has(self.renewRequest)",message="mongodb.tls.renewRequest is for the operator's own authority: with certificateSecretRef put another certificate into that Secret instead."
// +kubebuilder:validation:XValidation:rule="!has(self.issuerRef) || !has(self.certificateSecretRef)",message="mongodb.tls takes one of issuerRef and certificateSecretRef: for issuerRef cert-manager writes a Secret of its own."
// +kubebuilder:validation:XValidation:rule="!has(self.issuerRef) || !has(self.renewRequest)",message="mongodb.tls.renewRequest is for the operator's own authority: with issuerRef have cert-manager renew the Certificate instead, with cmctl renew."
type DatabaseTLSSpec struct {
	// certificateSecretRef names a Secret of type kubernetes.io/tls, as cert-manager makes them, with tls.crt, tls.key
	// and the ca.crt that verifies it. The certificate must be good for servers and clients, and for
	// *.NAME-mongodb.NAMESPACE.svc.CLUSTERDOMAIN, the same without the wildcard, NAME-mongodb.NAMESPACE.svc and localhost.
	// What changes there is taken up; what is no good is refused by a condition, and members serve what they did before.
	// Absent: the operator's own authority signs, and its certificate is renewed after half of its 90 days.
	// +optional
	CertificateSecretRef *SecretRef `json:"certificateSecretRef,omitempty"`

	// issuerRef names an issuer of cert-manager, one that fills in ca.crt (CA, Vault or self-signed): the operator asks it
	// for the certificate by a Certificate NAME-mongodb, and takes up what is written to the Secret NAME-mongodb-issued as
	// often as that changes. Absent: no Certificate is asked for.
	// +optional
	IssuerRef *IssuerRef `json:"issuerRef,omitempty"`

	// renewRequest makes the operator's authority, and with it the certificate, anew once whenever it becomes another
	// text, such as a date. Both authorities are trusted until every member serves what the new one has signed.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +optional
	RenewRequest string `json:"renewRequest,omitempty"`
}

// IssuerRef names an issuer of cert-manager, or of one of its external issuers.
//
// +structType=atomic
type IssuerRef struct {
	// name of the issuer.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +required
	Name string `json:"name"`

	// kind of the issuer: Issuer in the same namespace, ClusterIssuer, or a kind of the group's own. Absent: Issuer.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[A-Za-z][A-Za-z0-9]*$`
	// +optional
	Kind string `json:"kind,omitempty"`

	// group of the issuer's kind. Absent: cert-manager.io.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +optional
	Group string `json:"group,omitempty"`
}

// SecretRef names a Secret in the same namespace.
//
// +structType=atomic
type SecretRef struct {
	// name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +required
	Name string `json:"name"`
}

// PasswordRotationSpec says when the passwords of database users are replaced. A second user takes the
// place of the first, which is removed when no connection of it is open any more: no request fails.
type PasswordRotationSpec struct {
	// everyDays is the age in days at which a password is replaced. Absent: only on request.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3650
	// +optional
	EveryDays int32 `json:"everyDays,omitempty"`

	// request replaces the passwords once whenever it becomes another text, such as a date.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Request string `json:"request,omitempty"`
}

// KeyfileRotationSpec says when the members' keyfile is replaced. MongoDB reads it when it starts: every member is restarted
// twice, one by one, secondaries first, with both keys and then with the new one alone.
type KeyfileRotationSpec struct {
	// request replaces the keyfile once whenever it becomes another text, such as a date.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Request string `json:"request,omitempty"`
}

// ForcedReconfigurationSpec lets the members that still hold the data go on without a majority of all. The others come back
// as new members and copy the data again: what only they held is lost, even if it was acknowledged.
type ForcedReconfigurationSpec struct {
	// request does it once whenever it becomes another text, such as a date. Where there is a primary it is taken as done.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +required
	Request string `json:"request"`

	// acceptedRisk says that whoever asks knows what it may cost.
	// +kubebuilder:validation:Enum=AcknowledgedWritesMayBeLost
	// +required
	AcceptedRisk AcceptedRisk `json:"acceptedRisk"`
}

// AcceptedRisk is what may come of an act that is never done without being asked for.
type AcceptedRisk string

// AcknowledgedWritesMayBeLost is the risk of going on without the members that may hold the newest writes.
const AcknowledgedWritesMayBeLost AcceptedRisk = "AcknowledgedWritesMayBeLost"

// StorageSpec is one member's volume. Volumes outlive the resource unless deletionPolicy says otherwise.
type StorageSpec struct {
	// size of one member's volume. It may grow where the StorageClass allows that, while the database
	// runs; it never shrinks. Absent: 10Gi.
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 1073741824 : isQuantity(self) && quantity(self).compareTo(quantity('1Gi')) >= 0",message="mongodb.storage.size must be a quantity of at least 1Gi, such as 20Gi."
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +optional
	Size *resource.Quantity `json:"size,omitempty"`

	// storageClassName of the volumes. Absent: the cluster's default class.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +optional
	StorageClassName string `json:"storageClassName,omitempty"`

	// deletionPolicy is what happens to the volumes, and with them to the Secrets that open them, when the
	// ChatPDFDeployment is deleted: Retain keeps them, and one that is made again under the same name
	// finds them; Delete removes them. Absent: Retain.
	// +kubebuilder:validation:Enum=Retain;Delete
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`

	// growth makes the volumes larger by a quarter, as often as it takes, when that of the primary is 80 %
	// full. Absent: they have the size that is given, and a condition tells when it is time.
	// +optional
	Growth *StorageGrowthSpec `json:"growth,omitempty"`
}

// DeletionPolicy is what happens to data when the ChatPDFDeployment is deleted.
type DeletionPolicy string

// Deletion policies.
const (
	DeletionRetain DeletionPolicy = "Retain"
	DeletionDelete DeletionPolicy = "Delete"
)

// StorageGrowthSpec lets volumes grow by themselves, where their StorageClass allows that.
type StorageGrowthSpec struct {
	// maxSize is as large as a volume becomes by itself.
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 1073741824 : isQuantity(self) && quantity(self).compareTo(quantity('1Gi')) >= 0",message="mongodb.storage.growth.maxSize must be a quantity of at least 1Gi, such as 100Gi."
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +required
	MaxSize *resource.Quantity `json:"maxSize"`
}
