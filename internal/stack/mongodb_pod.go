package stack

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/utils/ptr"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
)

const (
	// mongodbUser is the user mongodb of the official image; dbagent shares it, so that the files
	// that it writes may be for their owner alone, which mongod insists on.
	mongodbUser = 999
	// mongodbGraceSeconds lets mongod step down, finish its checkpoint and close.
	mongodbGraceSeconds = 300

	// dataVolume is the name of the claim template: claims are called data-NAME-mongodb-N.
	dataVolume = "data"
	pathData   = "/data/db"
	pathRun    = "/run/mongod"
	pathAgent  = "/opt/dbagent"
)

// Probes of the database. Liveness asks one hello and is slow to judge: a member that syncs or
// rolls back is alive. A start may have to replay a journal or build an index first. The agent's
// startup means that keyfile and certificates are written, never that mongod answers: mongod waits
// for it.
var (
	mongodStartup   = timing{period: 2, timeout: 5, failures: 1800}
	mongodLiveness  = timing{period: 30, timeout: 5, failures: 6}
	mongodReadiness = timing{period: 5, timeout: 5, failures: 3}
	agentStartup    = timing{period: 1, timeout: 3, failures: 120}
	agentLiveness   = timing{period: 30, timeout: 5, failures: 6}
)

// agentMemoryPercent of the memory limit is the heap's.
const agentMemoryPercent = 80

func mongodbTemplate(d *v1alpha1.ChatPDFDeployment, domain, image, agentImage string) *corev1ac.PodTemplateSpecApplyConfiguration {
	names := NamesOf(d.Name)
	memory := func(size string) *corev1ac.EmptyDirVolumeSourceApplyConfiguration {
		return corev1ac.EmptyDirVolumeSource().WithMedium(corev1.StorageMediumMemory).WithSizeLimit(resource.MustParse(size))
	}
	disk := func(size string) *corev1ac.EmptyDirVolumeSourceApplyConfiguration {
		return corev1ac.EmptyDirVolumeSource().WithSizeLimit(resource.MustParse(size))
	}
	return template(d.Name, ComponentMongoDB, podSpec(names.MongoDB, mongodbUser).
		WithTerminationGracePeriodSeconds(mongodbGraceSeconds).
		WithTopologySpreadConstraints(spread(SelectorLabels(d.Name, ComponentMongoDB))...).
		WithVolumes(
			emptyDir("run", memory("1Mi")), emptyDir("agent-bin", disk("256Mi")), emptyDir("tmp", disk("256Mi")),
			secretVolume("keyfile", names.KeyfileSecret), secretVolume("tls", names.TLSSecret),
			secretVolume("admin", names.DatabaseAdminSecret), secretVolume("token", names.AgentSecret),
			secretVolume("metrics", names.DatabaseMetricsSecret), fenceVolume(names.Identity)).
		WithInitContainers(agentContainer(d, domain, agentImage)).
		WithContainers(mongodContainer(d, image)))
}

// fenceVolume is the record of the members that may not run, of which there is none at first.
func fenceVolume(identity string) *corev1ac.VolumeApplyConfiguration {
	return corev1ac.Volume().WithName("fence").WithConfigMap(corev1ac.ConfigMapVolumeSource().WithName(identity).
		WithOptional(true).WithDefaultMode(secretMode).WithItems(corev1ac.KeyToPath().WithKey(mongodb.KeyFenced).WithPath(mongodb.KeyFenced)))
}

// mongodContainer runs mongod as process 1, so that the kubelet's SIGTERM reaches it: the agent's binary, which waits while
// the member is fenced, becomes mongod. Liveness runs
// the agent's binary from a shared volume and not the agent: a broken agent restarts no database.
func mongodContainer(d *v1alpha1.ChatPDFDeployment, image string) *corev1ac.ContainerApplyConfiguration {
	r := resolve(d.Spec.MongoDB.Resources, defaultMongoDBResources)
	parameters := []string{"--setParameter", "diagnosticDataCollectionEnabled=true"}
	if SavesSnapshots(image) {
		// A backup reads the moment at which it began until it ends; servers keep 300 seconds by themselves.
		parameters = append(parameters, "--setParameter", "minSnapshotHistoryWindowInSeconds="+strconv.Itoa(int(backupDeadlineSeconds(d.Spec))))
	}
	hello := []string{pathAgent + "/dbagent", "hello", "--address", "127.0.0.1:" + strconv.Itoa(mongodb.Port)}
	return container("mongod", image, r).
		WithCommand(pathAgent+"/dbagent", "exec", "--", "mongod").
		WithArgs(append([]string{
			"--bind_ip_all", "--port", strconv.Itoa(mongodb.Port), "--dbpath", pathData, "--replSet", d.Name,
			"--keyFile", pathRun + "/keyfile",
			"--tlsMode", "requireTLS", "--tlsCertificateKeyFile", pathRun + "/server.pem", "--tlsCAFile", pathRun + "/ca.crt",
			// With a CA file mongod would ask every client for a certificate.
			"--tlsAllowConnectionsWithoutCertificates",
			"--wiredTigerCacheSizeGB", r.wiredTigerCacheGB(),
			// Its directory is read-only here.
			"--nounixsocket",
		}, parameters...)...).
		WithPorts(corev1ac.ContainerPort().WithName("mongodb").WithContainerPort(mongodb.Port).WithProtocol(corev1.ProtocolTCP)).
		WithStartupProbe(execProbe(mongodStartup, hello...)).
		WithLivenessProbe(execProbe(mongodLiveness, hello...)).
		WithReadinessProbe(httpProbe(corev1.URISchemeHTTPS, mongodb.AgentPort, "/readyz", mongodReadiness)).
		WithVolumeMounts(
			mount(dataVolume, pathData), readOnlyMount("run", pathRun), readOnlyMount("agent-bin", pathAgent), mount("tmp", "/tmp"))
}

// TemplateAgentImage is the agent's image in the template of the database's pods; empty if it has none.
func TemplateAgentImage(template *corev1ac.PodTemplateSpecApplyConfiguration) string {
	if template == nil || template.Spec == nil {
		return ""
	}
	for _, c := range template.Spec.InitContainers {
		if ptr.Deref(c.Name, "") == mongodb.AgentContainer {
			return ptr.Deref(c.Image, "")
		}
	}
	return ""
}

// agentContainer is a sidecar that starts before mongod. Only it sees the Secrets. All but its image stays as it is when the
// operator is upgraded: an agent has to run with the arguments, environment and volumes of every template before it.
func agentContainer(d *v1alpha1.ChatPDFDeployment, domain, image string) *corev1ac.ContainerApplyConfiguration {
	r := resolve(v1alpha1.ResourcesSpec{}, agentResources)
	return container(mongodb.AgentContainer, image, r).
		WithRestartPolicy(corev1.ContainerRestartPolicyAlways).
		WithCommand("/dbagent").WithArgs("serve").
		WithEnv(
			podField("POD_NAME", "metadata.name"), podField("POD_NAMESPACE", "metadata.namespace"), podField("POD_UID", "metadata.uid"),
			expandedEnv("MEMBER_HOST", "$(POD_NAME)."+NamesOf(d.Name).MongoDB+"."+d.Namespace+".svc."+domain+":"+strconv.Itoa(mongodb.Port)),
			env("REPLICA_SET", d.Name),
			env("GOMEMLIMIT", r.goMemoryLimit(agentMemoryPercent))).
		WithPorts(corev1ac.ContainerPort().WithName("agent").WithContainerPort(mongodb.AgentPort).WithProtocol(corev1.ProtocolTCP)).
		WithStartupProbe(httpProbe(corev1.URISchemeHTTPS, mongodb.AgentPort, "/startupz", agentStartup)).
		WithLivenessProbe(httpProbe(corev1.URISchemeHTTPS, mongodb.AgentPort, "/livez", agentLiveness)).
		WithVolumeMounts(
			mount("run", pathRun), mount("agent-bin", pathAgent),
			readOnlyMount("keyfile", "/etc/dbagent/keyfile"), readOnlyMount("tls", "/etc/dbagent/tls"),
			readOnlyMount("admin", "/etc/dbagent/admin"), readOnlyMount("token", "/etc/dbagent/token"),
			readOnlyMount("metrics", "/etc/dbagent/metrics"), readOnlyMount("fence", "/etc/dbagent/fence"))
}
