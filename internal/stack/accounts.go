package stack

import corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

// serviceAccounts are one identity per component. None may do anything, and none is mounted: they
// keep the pods off the namespace's default account, which others may have given rights.
func serviceAccounts(in Input) []*corev1ac.ServiceAccountApplyConfiguration {
	names := NamesOf(in.Deployment.Name)
	account := func(name, component string) *corev1ac.ServiceAccountApplyConfiguration {
		return corev1ac.ServiceAccount(name, in.Deployment.Namespace).
			WithLabels(Labels(in.Deployment.Name, component)).
			WithOwnerReferences(owner(in.Owner)).
			WithAutomountServiceAccountToken(false)
	}
	all := []*corev1ac.ServiceAccountApplyConfiguration{
		account(names.Backend, ComponentBackend),
		account(names.Frontend, ComponentFrontend),
	}
	if in.runsDatabase() {
		all = append(all, account(names.MongoDB, ComponentMongoDB), account(names.Backup, ComponentBackup))
	}
	return all
}
