package observe

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/stack"
)

// Kept is an object that outlives the deployment, unless the spec wants it to go.
type Kept struct {
	Kind, Name string
	UID        types.UID
	// Owner is the ChatPDFDeployment with which it is deleted; nil if it outlives that.
	Owner *metav1.OwnerReference
}

// Kept are the volume claims, the Secrets and the record of the replica set's identity that the operator made.
func (seen *Observed) Kept() []Kept {
	d := seen.Deployment
	var kept []Kept
	ours := labels.SelectorFromSet(stack.SelectorLabels(d.Name, stack.ComponentMongoDB))
	for i := range seen.Claims {
		if claim := &seen.Claims[i]; ours.Matches(labels.Set(claim.Labels)) {
			kept = append(kept, Kept{"PersistentVolumeClaim", claim.Name, claim.UID, deployedBy(claim)})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(seen.Secrets)) {
		if secret := seen.Secrets[name]; secret.Ours {
			kept = append(kept, Kept{"Secret", name, secret.UID, secret.Owner})
		}
	}
	if identity := seen.Identity; identity != nil {
		kept = append(kept, Kept{"ConfigMap", identity.Name, identity.UID, deployedBy(identity)})
	}
	return kept
}

// deployedBy is the ChatPDFDeployment that owns the object; nil if none does.
func deployedBy(object metav1.Object) *metav1.OwnerReference {
	for _, owner := range object.GetOwnerReferences() {
		if group := schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind).Group; group == v1alpha1.GroupVersion.Group && owner.Kind == v1alpha1.Kind {
			return &owner
		}
	}
	return nil
}
