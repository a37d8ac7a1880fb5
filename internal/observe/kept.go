package observe

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/stack"
)

// Kinds of what is kept.
const (
	KindClaim  = "PersistentVolumeClaim"
	KindSecret = "Secret"
)

// Kept is an object that outlives the deployment, unless the spec wants it to go.
type Kept struct {
	Kind, Name string
	UID        types.UID
	// Version changes with every write of the object.
	Version string
	// Owners are all that it has.
	Owners []metav1.OwnerReference
	// Owner is the ChatPDFDeployment with which it is deleted; nil if it outlives that.
	Owner *metav1.OwnerReference
}

// Kept are the record of the replica set's identity, the volume claims and the Secrets that the operator made.
func (seen *Observed) Kept() []Kept {
	var kept []Kept
	if identity := seen.Identity; identity != nil {
		kept = append(kept, keptAs("ConfigMap", identity))
	}
	for i := range seen.Claims {
		if claim := &seen.Claims[i]; seen.ours(claim) {
			kept = append(kept, keptAs(KindClaim, claim))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(seen.Secrets)) {
		if secret := seen.Secrets[name]; secret.Ours {
			kept = append(kept, Kept{KindSecret, name, secret.UID, secret.Version, secret.Owners, deployedBy(secret.Owners)})
		}
	}
	return kept
}

// ToRetain are the objects that would be deleted with the deployment although the spec wants them to outlive it.
func (seen *Observed) ToRetain() []Kept {
	if seen.Deployment.Spec.MongoDB.Storage.DeletionPolicy == v1alpha1.DeletionDelete {
		return nil
	}
	return slices.DeleteFunc(seen.Kept(), func(k Kept) bool { return k.Owner == nil || k.Owner.UID != seen.Deployment.UID })
}

// ToDelete are the objects that would outlive the deployment although the spec wants them deleted with it. Secrets
// follow only when every volume goes, and the record of the replica set goes first: what is left of a deployment
// that is deleted in between can be used again.
func (seen *Observed) ToDelete() []Kept {
	if seen.Deployment.Spec.MongoDB.Storage.DeletionPolicy != v1alpha1.DeletionDelete {
		return nil
	}
	kept, going := seen.Kept(), 0
	for _, k := range kept {
		if k.Kind == KindClaim && k.Owner != nil {
			going++
		}
	}
	all := going == len(seen.Claims) && going >= int(stack.Members(seen.Deployment.Spec))
	return slices.DeleteFunc(kept, func(k Kept) bool { return k.Owner != nil || k.Kind == KindSecret && !all })
}

func keptAs(kind string, object metav1.Object) Kept {
	owners := object.GetOwnerReferences()
	return Kept{kind, object.GetName(), object.GetUID(), object.GetResourceVersion(), owners, deployedBy(owners)}
}

// deployedBy is the ChatPDFDeployment among the owners; nil if there is none.
func deployedBy(owners []metav1.OwnerReference) *metav1.OwnerReference {
	for _, owner := range owners {
		if group := schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind).Group; group == v1alpha1.GroupVersion.Group && owner.Kind == v1alpha1.Kind {
			return &owner
		}
	}
	return nil
}
