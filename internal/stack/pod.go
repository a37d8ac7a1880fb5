package stack

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
)

// secretMode lets the pod's group read, which fsGroup makes the files' group; others may not.
const secretMode int32 = 0o440

// podSpec is what every pod has: an unprivileged user, no API token, no environment from Services.
func podSpec(serviceAccount string, user int64) *corev1ac.PodSpecApplyConfiguration {
	return corev1ac.PodSpec().
		WithServiceAccountName(serviceAccount).
		WithAutomountServiceAccountToken(false).
		WithEnableServiceLinks(false).
		WithSecurityContext(corev1ac.PodSecurityContext().
			WithRunAsNonRoot(true).WithRunAsUser(user).WithRunAsGroup(user).WithFSGroup(user).
			// Else the kubelet walks the whole volume on every start to set the group.
			WithFSGroupChangePolicy(corev1.FSGroupChangeOnRootMismatch).
			WithSeccompProfile(corev1ac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault)))
}

// container is what every container has. A process that dies without a word leaves the end of its
// log as its last message, which status then shows.
func container(name, image string, r resources) *corev1ac.ContainerApplyConfiguration {
	return corev1ac.Container().
		WithName(name).WithImage(image).WithImagePullPolicy(corev1.PullIfNotPresent).
		WithResources(r.requirements()).
		WithTerminationMessagePolicy(corev1.TerminationMessageFallbackToLogsOnError).
		WithSecurityContext(corev1ac.SecurityContext().
			WithAllowPrivilegeEscalation(false).WithReadOnlyRootFilesystem(true).WithRunAsNonRoot(true).
			WithCapabilities(corev1ac.Capabilities().WithDrop("ALL")))
}

// spread asks for different zones and different nodes, and takes what there is: a cluster of one
// node has to work too. perRevision counts only pods of one revision, else a rolling update would
// balance new pods against old ones that are about to go.
func spread(selector map[string]string, perRevision ...string) []*corev1ac.TopologySpreadConstraintApplyConfiguration {
	var constraints []*corev1ac.TopologySpreadConstraintApplyConfiguration
	for _, key := range []string{corev1.LabelTopologyZone, corev1.LabelHostname} {
		constraints = append(constraints, corev1ac.TopologySpreadConstraint().
			WithMaxSkew(1).WithTopologyKey(key).WithWhenUnsatisfiable(corev1.ScheduleAnyway).
			WithLabelSelector(metav1ac.LabelSelector().WithMatchLabels(selector)).
			WithMatchLabelKeys(perRevision...))
	}
	return constraints
}

// timing is when a probe asks and when it gives up, in seconds.
type timing struct{ period, timeout, failures int32 }

func (t timing) probe() *corev1ac.ProbeApplyConfiguration {
	return corev1ac.Probe().WithPeriodSeconds(t.period).WithTimeoutSeconds(t.timeout).WithFailureThreshold(t.failures)
}

// httpProbe asks by number: a named port is looked up in the container, which breaks silently when
// the name moves.
func httpProbe(scheme corev1.URIScheme, port int32, path string, t timing) *corev1ac.ProbeApplyConfiguration {
	return t.probe().WithHTTPGet(corev1ac.HTTPGetAction().
		WithScheme(scheme).WithPort(intstr.FromInt32(port)).WithPath(path))
}

func execProbe(t timing, command ...string) *corev1ac.ProbeApplyConfiguration {
	return t.probe().WithExec(corev1ac.ExecAction().WithCommand(command...))
}

// env passes a value on as it is: the kubelet would replace $(NAME) in it.
func env(name, value string) *corev1ac.EnvVarApplyConfiguration {
	return expandedEnv(name, strings.ReplaceAll(value, "$", "$$"))
}

// expandedEnv lets the kubelet replace $(NAME) by a variable that stands before it.
func expandedEnv(name, value string) *corev1ac.EnvVarApplyConfiguration {
	return corev1ac.EnvVar().WithName(name).WithValue(value)
}

// podField names the version too: a field reference is one atomic value, so what the API server
// fills in would look like a difference for ever.
func podField(name, path string) *corev1ac.EnvVarApplyConfiguration {
	return corev1ac.EnvVar().WithName(name).WithValueFrom(corev1ac.EnvVarSource().
		WithFieldRef(corev1ac.ObjectFieldSelector().WithAPIVersion("v1").WithFieldPath(path)))
}

// secretVolume mounts a whole Secret, or only some of its keys. Either follows changes of the
// Secret; a subPath never would.
func secretVolume(name, secret string, keys ...string) *corev1ac.VolumeApplyConfiguration {
	source := corev1ac.SecretVolumeSource().WithSecretName(secret).WithDefaultMode(secretMode)
	for _, key := range keys {
		source.WithItems(corev1ac.KeyToPath().WithKey(key).WithPath(key))
	}
	return corev1ac.Volume().WithName(name).WithSecret(source)
}

func emptyDir(name string, source *corev1ac.EmptyDirVolumeSourceApplyConfiguration) *corev1ac.VolumeApplyConfiguration {
	return corev1ac.Volume().WithName(name).WithEmptyDir(source)
}

func mount(name, path string) *corev1ac.VolumeMountApplyConfiguration {
	return corev1ac.VolumeMount().WithName(name).WithMountPath(path)
}

func readOnlyMount(name, path string) *corev1ac.VolumeMountApplyConfiguration {
	return mount(name, path).WithReadOnly(true)
}

func template(deployment, component string, spec *corev1ac.PodSpecApplyConfiguration) *corev1ac.PodTemplateSpecApplyConfiguration {
	return corev1ac.PodTemplateSpec().WithLabels(Labels(deployment, component)).WithSpec(spec)
}

func selector(deployment, component string) *metav1ac.LabelSelectorApplyConfiguration {
	return metav1ac.LabelSelector().WithMatchLabels(SelectorLabels(deployment, component))
}

// owner makes the garbage collector remove an object together with its ChatPDFDeployment.
func owner(reference metav1.OwnerReference) *metav1ac.OwnerReferenceApplyConfiguration {
	return metav1ac.OwnerReference().
		WithAPIVersion(reference.APIVersion).WithKind(reference.Kind).WithName(reference.Name).WithUID(reference.UID).
		WithController(true).WithBlockOwnerDeletion(true)
}
