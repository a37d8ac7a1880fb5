package stack

import (
	"cmp"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	autoscalingv2ac "k8s.io/client-go/applyconfigurations/autoscaling/v2"
)

// autoscalers is the backend's, if the spec asks for one.
func autoscalers(in Input) []*autoscalingv2ac.HorizontalPodAutoscalerApplyConfiguration {
	backend, name := in.Deployment.Spec.Backend, NamesOf(in.Deployment.Name).Backend
	if backend.Autoscaling == nil {
		return nil
	}
	cpu := autoscalingv2ac.MetricSpec().WithType(autoscalingv2.ResourceMetricSourceType).
		WithResource(autoscalingv2ac.ResourceMetricSource().WithName(corev1.ResourceCPU).
			WithTarget(autoscalingv2ac.MetricTarget().WithType(autoscalingv2.UtilizationMetricType).
				WithAverageUtilization(cmp.Or(backend.Autoscaling.CPUUtilization, DefaultCPUUtilization))))
	return []*autoscalingv2ac.HorizontalPodAutoscalerApplyConfiguration{
		autoscalingv2ac.HorizontalPodAutoscaler(name, in.Deployment.Namespace).
			WithLabels(Labels(in.Deployment.Name, ComponentBackend)).
			WithOwnerReferences(owner(in.Owner)).
			WithSpec(autoscalingv2ac.HorizontalPodAutoscalerSpec().
				WithScaleTargetRef(autoscalingv2ac.CrossVersionObjectReference().
					WithAPIVersion(appsv1.SchemeGroupVersion.String()).WithKind("Deployment").WithName(name)).
				WithMinReplicas(MinReplicas(backend)).WithMaxReplicas(MaxReplicas(backend)).
				WithMetrics(cpu)),
	}
}
