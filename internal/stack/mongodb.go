package stack

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// statefulSet starts all members at once, because a member is ready only when others are, and
// leaves every restart to the operator, which knows the members' roles. Volumes outlive it.
func statefulSet(in Input) *appsv1ac.StatefulSetApplyConfiguration {
	d := in.Deployment
	spec := immutable(in).
		WithReplicas(in.Members).
		WithRevisionHistoryLimit(3).
		WithUpdateStrategy(appsv1ac.StatefulSetUpdateStrategy().WithType(appsv1.OnDeleteStatefulSetStrategyType)).
		WithPersistentVolumeClaimRetentionPolicy(appsv1ac.StatefulSetPersistentVolumeClaimRetentionPolicy().
			WithWhenDeleted(appsv1.RetainPersistentVolumeClaimRetentionPolicyType).
			WithWhenScaled(appsv1.RetainPersistentVolumeClaimRetentionPolicyType)).
		WithTemplate(in.Release.Database.Template)
	return appsv1ac.StatefulSet(NamesOf(d.Name).MongoDB, d.Namespace).
		WithLabels(Labels(d.Name, ComponentMongoDB)).
		WithOwnerReferences(owner(in.Owner)).
		WithSpec(spec)
}

// immutable are the fields that the API server lets nobody change. Once the StatefulSet exists they
// are what it has: an operator that would write them otherwise could never update it again.
func immutable(in Input) *appsv1ac.StatefulSetSpecApplyConfiguration {
	d, spec := in.Deployment, appsv1ac.StatefulSetSpec()
	if live := in.LiveStatefulSet; live != nil {
		if live.Spec == nil {
			return spec
		}
		spec.Selector, spec.ServiceName = live.Spec.Selector, live.Spec.ServiceName
		spec.PodManagementPolicy, spec.VolumeClaimTemplates = live.Spec.PodManagementPolicy, live.Spec.VolumeClaimTemplates
		return spec
	}
	return spec.
		WithSelector(selector(d.Name, ComponentMongoDB)).
		WithServiceName(NamesOf(d.Name).MongoDB).
		WithPodManagementPolicy(appsv1.ParallelPodManagement).
		WithVolumeClaimTemplates(claimTemplate(in))
}

// claimTemplate gives claims the labels by which they are found again, without any version.
func claimTemplate(in Input) *corev1ac.PersistentVolumeClaimApplyConfiguration {
	d := in.Deployment
	claim := corev1ac.PersistentVolumeClaimSpec().
		WithAccessModes(corev1.ReadWriteOnce).
		WithResources(corev1ac.VolumeResourceRequirements().
			WithRequests(corev1.ResourceList{corev1.ResourceStorage: StorageSize(d.Spec)}))
	if class := d.Spec.MongoDB.Storage.StorageClassName; class != "" {
		claim.WithStorageClassName(class)
	}
	// Namespace and name of a template are not those of an object.
	template := corev1ac.PersistentVolumeClaim(dataVolume, "")
	template.Namespace, template.Kind, template.APIVersion = nil, nil, nil
	return template.WithLabels(Labels(d.Name, ComponentMongoDB)).WithSpec(claim)
}
