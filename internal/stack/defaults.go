package stack

import (
	"cmp"

	"k8s.io/apimachinery/pkg/api/resource"

	"chatpdf.dev/operator/api/v1alpha1"
)

// What an absent field of the spec means. The same values stand in the field's documentation.
const (
	// DefaultReplicas of the backend and of the frontend: one may be lost or replaced while the
	// other answers.
	DefaultReplicas = 2
	// DefaultMembers of the replica set: three would triple the smallest installation.
	DefaultMembers = 1
	// DefaultCPUUtilization leaves a new pod time to start before the running ones are full.
	DefaultCPUUtilization = 70
	// DefaultWorkerCount matches the backend's default CPU limit: extraction is CPU-bound.
	DefaultWorkerCount = 2
	// DefaultMaxConnections is the MongoDB driver's own default pool size.
	DefaultMaxConnections = 100
	// DefaultTimeoutSeconds is what the production checklist asks for (TIMEOUT=30).
	DefaultTimeoutSeconds = 30
	// DefaultRequestsPerMinute is what the production checklist asks for (RATE_LIMIT=100).
	DefaultRequestsPerMinute = 100
	// DefaultRequestsPerSecond keeps one client from using its minute at once.
	DefaultRequestsPerSecond = 10
	// DefaultBurst lets a page load its documents and its limits together.
	DefaultBurst = 20

	// DefaultBackupSchedule is every night at two, as the production checklist has it.
	DefaultBackupSchedule = "0 2 * * *"
	// DefaultBackupTimeZone is the same everywhere.
	DefaultBackupTimeZone = "Etc/UTC"
	// DefaultBackupDeadlineSeconds is the most that a backup takes.
	DefaultBackupDeadlineSeconds = 3600
	// DefaultBackupDays and DefaultBackupsKept are for how long and how many backups are kept.
	DefaultBackupDays  = 30
	DefaultBackupsKept = 7

	// DiskFillingPercent is how full a volume of the database may get before it is called filling, and is
	// made larger where the spec allows that.
	DiskFillingPercent = 80

	defaultBaseURL        = "https://api.openai.com/v1"
	defaultChatModel      = "gpt-4o-mini"
	defaultEmbeddingModel = "text-embedding-3-small"
	defaultLogLevel       = "INFO"
	defaultLogFormat      = "json"

	// defaultMaxFileSize in bytes is what the production checklist asks for (MAX_FILE_SIZE=10485760).
	defaultMaxFileSize = 10 << 20
	// defaultStorageSize of one member in bytes: MongoDB's journal and oplog take 1 to 2 GiB of it.
	defaultStorageSize = 10 << 30
	// defaultBackupVolumeSize in bytes: passages and PDFs are kept once each, compressed.
	defaultBackupVolumeSize = 10 << 30
)

// Default resources. Backend: half of the limit for the server, half for two workers at once, each a
// child process of up to 512 MiB. MongoDB: the least that leaves mongod its smallest cache and room
// beside it. Frontend: it streams and keeps nothing.
var (
	defaultBackendResources  = defaults{cpuRequest: "250m", cpuLimit: "2", memoryRequest: "512Mi", memoryLimit: "2Gi"}
	defaultFrontendResources = defaults{cpuRequest: "50m", cpuLimit: "1", memoryRequest: "64Mi", memoryLimit: "256Mi"}
	defaultMongoDBResources  = defaults{cpuRequest: "250m", cpuLimit: "2", memoryRequest: "512Mi", memoryLimit: "1Gi"}
	// A backup holds some chunks of 8 MiB and the windows of a compressor.
	backupResources = defaults{cpuRequest: "100m", cpuLimit: "1", memoryRequest: "128Mi", memoryLimit: "512Mi"}
	agentResources  = defaults{cpuRequest: "10m", cpuLimit: "500m", memoryRequest: "32Mi", memoryLimit: "128Mi"}
)

// Members is how many members the replica set should have.
func Members(spec v1alpha1.ChatPDFDeploymentSpec) int32 {
	return cmp.Or(spec.MongoDB.Members, DefaultMembers)
}

// StorageSize is the size of one member's volume.
func StorageSize(spec v1alpha1.ChatPDFDeploymentSpec) resource.Quantity {
	if size := spec.MongoDB.Storage.Size; size != nil {
		whole := size.DeepCopy()
		whole.RoundUp(0)
		return whole
	}
	return *resource.NewQuantity(defaultStorageSize, resource.BinarySI)
}

// MinReplicas is the least number of backend pods that the spec asks for.
func MinReplicas(spec v1alpha1.BackendSpec) int32 {
	if a := spec.Autoscaling; a != nil {
		return cmp.Or(a.MinReplicas, min(DefaultReplicas, a.MaxReplicas))
	}
	return cmp.Or(spec.Replicas, DefaultReplicas)
}

// MaxReplicas is the largest number of backend pods that the spec allows.
func MaxReplicas(spec v1alpha1.BackendSpec) int32 {
	if a := spec.Autoscaling; a != nil {
		return a.MaxReplicas
	}
	return MinReplicas(spec)
}

// FrontendReplicas is the number of frontend pods.
func FrontendReplicas(spec v1alpha1.FrontendSpec) int32 {
	return cmp.Or(spec.Replicas, DefaultReplicas)
}

func maxFileSize(spec v1alpha1.RequestLimitsSpec) int64 {
	if spec.MaxFileSize != nil {
		return spec.MaxFileSize.Value()
	}
	return defaultMaxFileSize
}
