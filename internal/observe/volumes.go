package observe

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"

	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/stack"
)

// ours says that the claim carries the labels of this deployment's database.
func (seen *Observed) ours(claim *corev1.PersistentVolumeClaim) bool {
	selector := stack.SelectorLabels(seen.Deployment.Name, stack.ComponentMongoDB)
	return labels.SelectorFromSet(selector).Matches(labels.Set(claim.Labels))
}

// volumes are the bound claims of wanted members.
func (seen *Observed) volumes() []*corev1.PersistentVolumeClaim {
	d := seen.Deployment
	var bound []*corev1.PersistentVolumeClaim
	for ordinal := range int(stack.Members(d.Spec)) {
		claim := Named(seen.Claims, mongodb.ClaimName(d.Name, ordinal))
		if claim != nil && claim.Status.Phase == corev1.ClaimBound && claim.DeletionTimestamp == nil && seen.ours(claim) {
			bound = append(bound, claim)
		}
	}
	return bound
}

// VolumeSize is what each member's volume should have: what the spec asks for, or what it lets volumes grow to by
// themselves. What they have grown to is remembered by what the claims ask for.
func (seen *Observed) VolumeSize() resource.Quantity {
	var sizes []stack.VolumeSize
	for _, claim := range seen.volumes() {
		sizes = append(sizes, stack.VolumeSize{
			Asks: claim.Spec.Resources.Requests[corev1.ResourceStorage], Has: claim.Status.Capacity[corev1.ResourceStorage],
		})
	}
	return stack.WantedVolumeSize(seen.Deployment.Spec, sizes, seen.Database.Disk)
}

// LargestVolume is the largest size that a member's volume has; nil while there is none.
func (seen *Observed) LargestVolume() *resource.Quantity {
	var largest *resource.Quantity
	for _, claim := range seen.volumes() {
		if has, known := claim.Status.Capacity[corev1.ResourceStorage]; known && (largest == nil || has.Cmp(*largest) > 0) {
			largest = &has
		}
	}
	return largest
}

// SmallVolumes are the bound claims of wanted members that have less than they should.
func (seen *Observed) SmallVolumes() []*corev1.PersistentVolumeClaim {
	size := seen.VolumeSize()
	var small []*corev1.PersistentVolumeClaim
	for _, claim := range seen.volumes() {
		has := claim.Status.Capacity[corev1.ResourceStorage]
		if has.Cmp(size) < 0 {
			small = append(small, claim)
		}
	}
	return small
}

// CannotGrow says that the claim's StorageClass is known and does not let volumes grow.
func (seen *Observed) CannotGrow(claim *corev1.PersistentVolumeClaim) bool {
	if seen.StorageClasses == nil {
		return false
	}
	name := claim.Spec.StorageClassName
	if name == nil || *name == "" {
		return true // nobody provisioned it
	}
	for _, class := range seen.StorageClasses.Items {
		if class.Name == *name {
			return class.AllowVolumeExpansion == nil || !*class.AllowVolumeExpansion
		}
	}
	return true
}
