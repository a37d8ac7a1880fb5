package observe

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/stack"
)

// SmallVolumes are the bound claims of wanted members that have less than the spec asks for.
func (seen *Observed) SmallVolumes() []*corev1.PersistentVolumeClaim {
	d, size := seen.Deployment, stack.StorageSize(seen.Deployment.Spec)
	ours := labels.SelectorFromSet(stack.SelectorLabels(d.Name, stack.ComponentMongoDB))
	var small []*corev1.PersistentVolumeClaim
	for ordinal := range int(stack.Members(d.Spec)) {
		claim := Named(seen.Claims, mongodb.ClaimName(d.Name, ordinal))
		if claim == nil || claim.Status.Phase != corev1.ClaimBound || claim.DeletionTimestamp != nil || !ours.Matches(labels.Set(claim.Labels)) {
			continue
		}
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
