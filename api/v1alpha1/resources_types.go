package v1alpha1

import "k8s.io/apimachinery/pkg/api/resource"

// ResourcesSpec is what a pod asks for and what it may use. Limits alone become requests too.
//
// +kubebuilder:validation:XValidation:rule="!has(self.requests) || !has(self.limits) || !has(self.requests.cpu) || !has(self.limits.cpu) || quantity(string(self.requests.cpu)).compareTo(quantity(string(self.limits.cpu))) <= 0",message="resources.requests.cpu must not be above resources.limits.cpu."
// +kubebuilder:validation:XValidation:rule="!has(self.requests) || !has(self.limits) || !has(self.requests.memory) || !has(self.limits.memory) || quantity(string(self.requests.memory)).compareTo(quantity(string(self.limits.memory))) <= 0",message="resources.requests.memory must not be above resources.limits.memory."
type ResourcesSpec struct {
	// requests are what the scheduler sets aside.
	// +optional
	Requests ResourceQuantities `json:"requests,omitzero"`

	// limits are what the pod may use at most.
	// +optional
	Limits ResourceQuantities `json:"limits,omitzero"`
}

// ResourceQuantities are amounts of CPU and memory.
type ResourceQuantities struct {
	// cpu in cores, such as "2" or 250m.
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self > 0 : isQuantity(self) && quantity(self).isGreaterThan(quantity('0'))",message="cpu must be a quantity above 0, such as 500m."
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +optional
	CPU *resource.Quantity `json:"cpu,omitempty"`

	// memory in bytes, such as 2Gi.
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self > 0 : isQuantity(self) && quantity(self).isGreaterThan(quantity('0'))",message="memory must be a quantity above 0, such as 512Mi."
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +optional
	Memory *resource.Quantity `json:"memory,omitempty"`
}
