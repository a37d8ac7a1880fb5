package stack

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"chatpdf.dev/operator/api/v1alpha1"
)

// frontendMemoryPercent of the memory limit is the heap's; stacks and buffers of the kernel take the rest.
const frontendMemoryPercent = 85

func frontendTemplate(d *v1alpha1.ChatPDFDeployment, image string) *corev1ac.PodTemplateSpecApplyConfiguration {
	names := NamesOf(d.Name)
	c := appContainer(ComponentFrontend, image, resolve(d.Spec.Frontend.Resources, defaultFrontendResources), frontendMemoryPercent).
		WithEnv(commonEnv(d.Spec)...).
		// The short name is right in every cluster, whatever its domain.
		WithEnv(env("BACKEND_URL", "http://"+names.Backend+":"+decimal(appPort))).
		WithVolumeMounts(mount("tmp", "/tmp"))
	return template(d.Name, ComponentFrontend, podSpec(names.Frontend, appUser).
		WithTerminationGracePeriodSeconds(appGraceSeconds).
		WithTopologySpreadConstraints(spread(SelectorLabels(d.Name, ComponentFrontend), appsv1.DefaultDeploymentUniqueLabelKey)...).
		WithVolumes(emptyDir("tmp", corev1ac.EmptyDirVolumeSource().WithSizeLimit(resource.MustParse("256Mi")))).
		WithContainers(c))
}
