package stack

import (
	"cmp"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"chatpdf.dev/operator/api/v1alpha1"
)

// Where the backend finds its files.
const (
	pathDatabase   = "/etc/chatpdf/mongodb"
	pathDatabaseCA = "/etc/chatpdf/mongodb-ca"
	pathAdmin      = "/etc/chatpdf/admin"
	pathLLM        = "/etc/chatpdf/llm"
	pathCache      = "/var/cache/chatpdf"
)

// backendMemoryPercent of the memory limit is the server's own; the rest is for the child processes
// that read PDFs.
const backendMemoryPercent = 50

// What one child process that reads a PDF gets, in bytes: more than the most is of no use to it, and with
// less than the least it cannot start.
const leastExtractMemory, mostExtractMemory = 64 << 20, 512 << 20

// extractMemory shares what the server leaves of the memory limit among the children, of which there is
// one for each worker. Where a container runs out of memory, newer kernels end all of it: the server too.
func extractMemory(r resources, workers int32) int64 {
	left := r.memoryLimit.Value() * (100 - backendMemoryPercent) / 100
	return max(leastExtractMemory, min(mostExtractMemory, left/int64(workers)))
}

// spoolFiles is for how many files of the largest size the cache directory has room at the least, besides
// those that the workers read at the same time.
const spoolFiles = 16

func backendTemplate(d *v1alpha1.ChatPDFDeployment, image string) *corev1ac.PodTemplateSpecApplyConfiguration {
	spec, names := d.Spec, NamesOf(d.Name)
	r := resolve(spec.Backend.Resources, defaultBackendResources)
	workers := cmp.Or(spec.Backend.WorkerCount, DefaultWorkerCount)
	c := appContainer(ComponentBackend, image, r, backendMemoryPercent).
		WithEnv(commonEnv(spec)...).
		WithEnv(backendEnv(spec)...).
		WithEnv(env("EXTRACT_MEMORY", strconv.FormatInt(extractMemory(r, workers), 10))).
		WithVolumeMounts(readOnlyMount("admin", pathAdmin), mount("cache", pathCache), mount("tmp", "/tmp"))
	pod := podSpec(names.Backend, appUser).
		WithTerminationGracePeriodSeconds(appGraceSeconds).
		WithTopologySpreadConstraints(spread(SelectorLabels(d.Name, ComponentBackend), appsv1.DefaultDeploymentUniqueLabelKey)...).
		WithVolumes(
			secretVolume("admin", names.AdminSecret),
			emptyDir("cache", corev1ac.EmptyDirVolumeSource().WithSizeLimit(cacheSize(spec))),
			emptyDir("tmp", corev1ac.EmptyDirVolumeSource().WithSizeLimit(resource.MustParse("256Mi"))))
	uri, ca := databaseSecrets(d)
	pod.WithVolumes(secretVolume("mongodb", uri.Name, uri.Key))
	c.WithVolumeMounts(readOnlyMount("mongodb", pathDatabase)).WithEnv(env("MONGODB_URI_FILE", pathDatabase+"/"+uri.Key))
	if ca != nil {
		pod.WithVolumes(secretVolume("mongodb-ca", ca.Name, ca.Key))
		c.WithVolumeMounts(readOnlyMount("mongodb-ca", pathDatabaseCA)).WithEnv(env("MONGODB_CA_FILE", pathDatabaseCA+"/"+ca.Key))
	}
	if key := spec.LLM.APIKeySecretRef; key != nil {
		pod.WithVolumes(secretVolume("llm", key.Name))
		c.WithVolumeMounts(readOnlyMount("llm", pathLLM)).WithEnv(
			env("OPENAI_API_KEY_FILE", pathLLM+"/"+key.Key),
			env("OPENAI_BASE_URL", cmp.Or(spec.LLM.BaseURL, defaultBaseURL)),
			env("OPENAI_CHAT_MODEL", cmp.Or(spec.LLM.ChatModel, defaultChatModel)),
			env("OPENAI_EMBEDDING_MODEL", cmp.Or(spec.LLM.EmbeddingModel, defaultEmbeddingModel)))
	}
	return template(d.Name, ComponentBackend, pod.WithContainers(c))
}

// databaseSecrets are where the application learns how to reach its database, and whom to trust; ca is nil for the
// authorities that its image trusts.
func databaseSecrets(d *v1alpha1.ChatPDFDeployment) (uri v1alpha1.SecretKeyRef, ca *v1alpha1.SecretKeyRef) {
	if external := d.Spec.MongoDB.External; external != nil {
		return external.URISecretRef, external.CASecretRef
	}
	names := NamesOf(d.Name)
	return v1alpha1.SecretKeyRef{Name: names.DatabaseAppSecret, Key: KeyURI}, &v1alpha1.SecretKeyRef{Name: names.CASecret, Key: KeyCACertificate}
}

func backendEnv(spec v1alpha1.ChatPDFDeploymentSpec) []*corev1ac.EnvVarApplyConfiguration {
	variables := []*corev1ac.EnvVarApplyConfiguration{
		env("INITIAL_ADMIN_USERNAME_FILE", pathAdmin+"/"+KeyUsername),
		env("INITIAL_ADMIN_PASSWORD_FILE", pathAdmin+"/"+KeyPassword),
		env("WORKER_COUNT", decimal(cmp.Or(spec.Backend.WorkerCount, DefaultWorkerCount))),
		env("MAX_CONNECTIONS", decimal(cmp.Or(spec.Backend.MaxConnections, DefaultMaxConnections))),
		env("RATE_LIMIT", decimal(cmp.Or(spec.RequestLimits.RequestsPerMinute, DefaultRequestsPerMinute))),
		env("RATE_LIMIT_PER_SECOND", decimal(cmp.Or(spec.RequestLimits.RequestsPerSecond, DefaultRequestsPerSecond))),
		env("RATE_LIMIT_BURST", decimal(cmp.Or(spec.RequestLimits.Burst, DefaultBurst))),
		env("CACHE_DIR", pathCache),
	}
	if spec.Backend.FileReadPreference == v1alpha1.ReadSecondaryPreferred {
		variables = append(variables, env("MONGODB_FILE_READ_PREFERENCE", "secondaryPreferred"))
	}
	return variables
}

// cacheSize has room for the compiled WebAssembly and for spooled files.
func cacheSize(spec v1alpha1.ChatPDFDeploymentSpec) resource.Quantity {
	const compiled = 512 << 20
	files := spoolFiles + int64(cmp.Or(spec.Backend.WorkerCount, DefaultWorkerCount))
	return *resource.NewQuantity(compiled+files*maxFileSize(spec.RequestLimits), resource.BinarySI)
}
