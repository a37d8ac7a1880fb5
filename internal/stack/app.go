package stack

import (
	"cmp"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/release"
)

const (
	appPort     = 8080
	metricsPort = 9090
	// appUser is the user of the application's image.
	appUser = 65532
	// appGraceSeconds is longer than the 25 s that the application gives running requests.
	appGraceSeconds = 30
	// progressDeadlineSeconds is after how long without progress a rollout counts as stuck.
	progressDeadlineSeconds = 600
)

// Probes of the application. Starting takes seconds, but minutes on a node that is busy pulling;
// liveness is slow to judge, because extraction may take all of the CPU limit for a while;
// readiness is quick, because it takes a pod out of a Service.
var (
	appStartup   = timing{period: 1, timeout: 3, failures: 180}
	appLiveness  = timing{period: 10, timeout: 5, failures: 6}
	appReadiness = timing{period: 5, timeout: 3, failures: 2}
)

// appContainer is what the containers of the backend and the frontend share.
func appContainer(name, image string, r resources, memoryPercent int64) *corev1ac.ContainerApplyConfiguration {
	return container(name, image, r).
		WithCommand("/chatpdf").WithArgs(name).
		WithPorts(
			corev1ac.ContainerPort().WithName("http").WithContainerPort(appPort).WithProtocol(corev1.ProtocolTCP),
			corev1ac.ContainerPort().WithName("metrics").WithContainerPort(metricsPort).WithProtocol(corev1.ProtocolTCP)).
		WithStartupProbe(httpProbe(corev1.URISchemeHTTP, appPort, "/livez", appStartup)).
		WithLivenessProbe(httpProbe(corev1.URISchemeHTTP, appPort, "/livez", appLiveness)).
		WithReadinessProbe(httpProbe(corev1.URISchemeHTTP, appPort, "/readyz", appReadiness)).
		WithEnv(
			env("LISTEN_ADDRESS", ":"+strconv.Itoa(appPort)),
			env("METRICS_ADDRESS", ":"+strconv.Itoa(metricsPort)),
			env("GOMEMLIMIT", r.goMemoryLimit(memoryPercent)))
}

// commonEnv are the settings that the backend and the frontend share.
func commonEnv(spec v1alpha1.ChatPDFDeploymentSpec) []*corev1ac.EnvVarApplyConfiguration {
	log := spec.Backend.Log
	return []*corev1ac.EnvVarApplyConfiguration{
		env("DEBUG", "False"),
		env("LOG_LEVEL", string(cmp.Or(log.Level, defaultLogLevel))),
		env("LOG_FORMAT", string(cmp.Or(log.Format, defaultLogFormat))),
		env("TIMEOUT", decimal(cmp.Or(spec.Backend.TimeoutSeconds, DefaultTimeoutSeconds))),
		env("MAX_FILE_SIZE", strconv.FormatInt(maxFileSize(spec.RequestLimits), 10)),
	}
}

// deployment runs an accepted template without ever having fewer pods than wanted. Its replicas are
// not part of it: see Replicas.
func deployment(in Input, name, component string, accepted *corev1ac.PodTemplateSpecApplyConfiguration) *appsv1ac.DeploymentApplyConfiguration {
	return appsv1ac.Deployment(name, in.Deployment.Namespace).
		WithLabels(Labels(in.Deployment.Name, component)).
		WithOwnerReferences(owner(in.Owner)).
		WithSpec(appsv1ac.DeploymentSpec().
			WithSelector(selector(in.Deployment.Name, component)).
			WithRevisionHistoryLimit(release.HistoryLimit).
			WithProgressDeadlineSeconds(progressDeadlineSeconds).
			WithStrategy(appsv1ac.DeploymentStrategy().
				WithType(appsv1.RollingUpdateDeploymentStrategyType).
				WithRollingUpdate(appsv1ac.RollingUpdateDeployment().
					WithMaxUnavailable(intstr.FromInt32(0)).WithMaxSurge(intstr.FromInt32(1)))).
			WithTemplate(accepted))
}

func decimal(n int32) string { return strconv.FormatInt(int64(n), 10) }
