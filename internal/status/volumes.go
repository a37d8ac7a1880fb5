package status

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"chatpdf.dev/operator/internal/observe"
)

// defaultClass marks the StorageClass that claims without one get.
const defaultClass = "storageclass.kubernetes.io/is-default-class"

// volumesTrouble is the first volume claim of the database that does not bind; nil if all are bound
// or merely wait for their pod.
func volumesTrouble(seen *observe.Observed) *Trouble {
	for i := range seen.Claims {
		claim := &seen.Claims[i]
		switch claim.Status.Phase {
		case corev1.ClaimLost:
			return &Trouble{Reason: ReasonVolumeNotBound, NeedsPerson: true, Message: fmt.Sprintf(
				"The volume of PersistentVolumeClaim %s is gone. Restore it, or delete the claim and its pod to start with an empty one, which the other members fill.", claim.Name)}
		case corev1.ClaimPending:
			if trouble := pendingClaim(seen, claim); trouble != nil {
				return trouble
			}
		}
	}
	return nil
}

// growthTrouble is the first volume that should be larger and cannot be; nil if there is none.
func growthTrouble(seen *observe.Observed) *Trouble {
	size := seen.VolumeSize()
	for _, claim := range seen.SmallVolumes() {
		state := claim.Status.AllocatedResourceStatuses[corev1.ResourceStorage]
		infeasible := state == corev1.PersistentVolumeClaimControllerResizeInfeasible || state == corev1.PersistentVolumeClaimNodeResizeInfeasible
		wants := claim.Spec.Resources.Requests[corev1.ResourceStorage]
		switch {
		case wants.Cmp(size) < 0 && seen.CannotGrow(claim):
			return &Trouble{Reason: ReasonVolumeCannotGrow, NeedsPerson: true, Unwatched: true, Message: fmt.Sprintf(
				"PersistentVolumeClaim %s cannot grow to the %s that it should have: its StorageClass %s does not allow it. Set allowVolumeExpansion in the class if its driver can do it; else make a new ChatPDFDeployment and move the data.",
				claim.Name, size.String(), className(claim))}
		case infeasible:
			return &Trouble{Reason: ReasonVolumeCannotGrow, NeedsPerson: true, Unwatched: true, Message: fmt.Sprintf(
				"PersistentVolumeClaim %s cannot grow to %s: %s. See `kubectl describe pvc -n %s %s`.",
				claim.Name, size.String(), words(cmp.Or(seen.Warnings[claim.UID], "its driver refuses")), claim.Namespace, claim.Name)}
		}
	}
	return nil
}

// growing tells of the first volume that is being made larger; empty if there is none.
func growing(seen *observe.Observed) string {
	small := seen.SmallVolumes()
	if len(small) == 0 {
		return ""
	}
	claim, size := small[0], seen.VolumeSize()
	has, wants := claim.Status.Capacity[corev1.ResourceStorage], claim.Spec.Resources.Requests[corev1.ResourceStorage]
	if wants.Cmp(size) < 0 {
		return fmt.Sprintf("More is about to be asked for PersistentVolumeClaim %s: %s.", claim.Name, size.String())
	}
	detail := ""
	for _, c := range claim.Status.Conditions {
		if c.Type == corev1.PersistentVolumeClaimFileSystemResizePending && c.Status == corev1.ConditionTrue {
			detail = " Its file system grows when a pod mounts it: if that does not happen by itself, delete the pod of the member."
		}
	}
	return fmt.Sprintf("The volume of PersistentVolumeClaim %s grows from %s to %s.%s", claim.Name, has.String(), size.String(), detail)
}

func className(claim *corev1.PersistentVolumeClaim) string {
	if claim.Spec.StorageClassName == nil || *claim.Spec.StorageClassName == "" {
		return "(none)"
	}
	return *claim.Spec.StorageClassName
}

func pendingClaim(seen *observe.Observed, claim *corev1.PersistentVolumeClaim) *Trouble {
	name := claim.Spec.StorageClassName
	missing := seen.StorageClasses != nil && !hasClass(seen.StorageClasses.Items, name)
	switch {
	case missing && name == nil:
		return &Trouble{Reason: ReasonStorageClassMissing, NeedsPerson: true, Unwatched: true, Message: fmt.Sprintf(
			"PersistentVolumeClaim %s names no StorageClass, and the cluster has no default. Make one the default, or delete the resource and the claim and set spec.mongodb.storage.storageClassName.", claim.Name)}
	case missing && *name != "":
		return &Trouble{Reason: ReasonStorageClassMissing, NeedsPerson: true, Unwatched: true, Message: fmt.Sprintf(
			"PersistentVolumeClaim %s asks for StorageClass %s, which does not exist. Create it, or delete the resource and the claim and name another in spec.mongodb.storage.storageClassName.", claim.Name, *name)}
	}
	if warning := seen.Warnings[claim.UID]; warning != "" {
		return &Trouble{Reason: ReasonVolumeNotBound, Unwatched: true, Message: fmt.Sprintf(
			"PersistentVolumeClaim %s does not bind: %s. See `kubectl describe pvc -n %s %s`.", claim.Name, words(warning), claim.Namespace, claim.Name)}
	}
	return nil
}

// hasClass looks for the class of that name; without a name for the default.
func hasClass(classes []storagev1.StorageClass, name *string) bool {
	return slices.ContainsFunc(classes, func(class storagev1.StorageClass) bool {
		if name == nil {
			return class.Annotations[defaultClass] == "true"
		}
		return class.Name == *name
	})
}
