package v1alpha1

import "k8s.io/apimachinery/pkg/api/resource"

// MongoDBSpec is the replica set that holds everything: accounts, passages and the PDFs themselves.
type MongoDBSpec struct {
	// members is the number of voting members: 1, or 3 to survive the loss of one. Absent: 1.
	// +kubebuilder:validation:XValidation:rule="self in [1, 3]",message="mongodb.members must be 1 or 3: an even number of voters survives no more failures than one fewer does."
	// +optional
	Members int32 `json:"members,omitempty"`

	// image of mongod, 4.4 or later. Absent: the image this operator was tested with.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^\\\\s]+$')",message="mongodb.image must be an image reference without spaces, such as docker.io/library/mongo:8.0.4."
	// +optional
	Image string `json:"image,omitempty"`

	// storage of one member.
	// +optional
	Storage StorageSpec `json:"storage,omitzero"`

	// resources of one member. Absent: requests of 250m CPU and 512Mi, limits of 2 CPU and 1Gi.
	// +optional
	Resources ResourcesSpec `json:"resources,omitzero"`
}

// StorageSpec is one member's volume. Volumes outlive the resource.
type StorageSpec struct {
	// size of one member's volume. Absent: 10Gi.
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
}
