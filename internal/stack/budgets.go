package stack

import (
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	policyv1ac "k8s.io/client-go/applyconfigurations/policy/v1"
)

// budgets let a drain take one pod at a time, and of the database as many as leave a majority. A
// component of one pod has none: a budget there either does nothing or blocks the drain for ever. A
// database of two members, as there is on the way from three to one, may lose neither.
func budgets(in Input) []*policyv1ac.PodDisruptionBudgetApplyConfiguration {
	spec, names := in.Deployment.Spec, NamesOf(in.Deployment.Name)
	var all []*policyv1ac.PodDisruptionBudgetApplyConfiguration
	if MaxReplicas(spec.Backend) > 1 {
		all = append(all, budget(in, names.Backend, ComponentBackend, 1, policyv1.AlwaysAllow))
	}
	if FrontendReplicas(spec.Frontend) > 1 {
		all = append(all, budget(in, names.Frontend, ComponentFrontend, 1, policyv1.AlwaysAllow))
	}
	if in.runsDatabase() && in.Members > 1 {
		// What is left is a majority. A member that is not ready counts as gone: evicting it too could
		// take the data that the others have yet to copy.
		all = append(all, budget(in, names.MongoDB, ComponentMongoDB, (in.Members-1)/2, policyv1.IfHealthyBudget))
	}
	return all
}

func budget(in Input, name, component string, may int32, unhealthy policyv1.UnhealthyPodEvictionPolicyType) *policyv1ac.PodDisruptionBudgetApplyConfiguration {
	return policyv1ac.PodDisruptionBudget(name, in.Deployment.Namespace).
		WithLabels(Labels(in.Deployment.Name, component)).
		WithOwnerReferences(owner(in.Owner)).
		WithSpec(policyv1ac.PodDisruptionBudgetSpec().
			WithSelector(selector(in.Deployment.Name, component)).
			WithMaxUnavailable(intstr.FromInt32(may)).
			WithUnhealthyPodEvictionPolicy(unhealthy))
}
