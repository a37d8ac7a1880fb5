package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ChatPDFDeployment is one running ChatPDF: its page, its API and its MongoDB. An empty spec is
// safe and complete inside the cluster.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=cpdf,categories=chatpdf
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Backend",type=string,JSONPath=`.status.backend.ready`
// +kubebuilder:printcolumn:name="Frontend",type=string,JSONPath=`.status.frontend.ready`
// +kubebuilder:printcolumn:name="Database",type=string,JSONPath=`.status.mongodb.ready`
// +kubebuilder:printcolumn:name="URL",type=string,priority=1,JSONPath=`.status.endpoints.internalURL`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 40",message="metadata.name may be 40 characters at most: names of Pods, Jobs and Services are derived from it. Choose a shorter name."
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="metadata.name must be lower-case letters, digits and '-', and start with a letter: Services are named after it."
// +kubebuilder:validation:XValidation:rule="oldSelf.hasValue() || !self.metadata.name.endsWith('-mongodb')",optionalOldSelf=true,message="metadata.name may not end in -mongodb: what belongs to it would be named like the database of another ChatPDFDeployment."
// +kubebuilder:validation:XValidation:rule="(has(self.spec) && has(self.spec.mongodb) && has(self.spec.mongodb.storage) && has(self.spec.mongodb.storage.storageClassName) ? self.spec.mongodb.storage.storageClassName : '-') == (has(oldSelf.spec) && has(oldSelf.spec.mongodb) && has(oldSelf.spec.mongodb.storage) && has(oldSelf.spec.mongodb.storage.storageClassName) ? oldSelf.spec.mongodb.storage.storageClassName : '-')",message="mongodb.storage.storageClassName cannot be changed: a volume stays in the class it was made in. Make a new ChatPDFDeployment and move the data.",fieldPath=".spec.mongodb.storage.storageClassName"
// +kubebuilder:validation:XValidation:rule="(has(self.spec) && has(self.spec.mongodb) && has(self.spec.mongodb.storage) && has(self.spec.mongodb.storage.size) ? string(self.spec.mongodb.storage.size) : '10Gi') == (has(oldSelf.spec) && has(oldSelf.spec.mongodb) && has(oldSelf.spec.mongodb.storage) && has(oldSelf.spec.mongodb.storage.size) ? string(oldSelf.spec.mongodb.storage.size) : '10Gi') || !isQuantity((has(self.spec) && has(self.spec.mongodb) && has(self.spec.mongodb.storage) && has(self.spec.mongodb.storage.size) ? string(self.spec.mongodb.storage.size) : '10Gi')) || !isQuantity((has(oldSelf.spec) && has(oldSelf.spec.mongodb) && has(oldSelf.spec.mongodb.storage) && has(oldSelf.spec.mongodb.storage.size) ? string(oldSelf.spec.mongodb.storage.size) : '10Gi')) || quantity((has(self.spec) && has(self.spec.mongodb) && has(self.spec.mongodb.storage) && has(self.spec.mongodb.storage.size) ? string(self.spec.mongodb.storage.size) : '10Gi')).compareTo(quantity(has(self.status) && has(self.status.mongodb) && has(self.status.mongodb.volumeSize) && isQuantity(string(self.status.mongodb.volumeSize)) ? string(self.status.mongodb.volumeSize) : (has(oldSelf.spec) && has(oldSelf.spec.mongodb) && has(oldSelf.spec.mongodb.storage) && has(oldSelf.spec.mongodb.storage.size) ? string(oldSelf.spec.mongodb.storage.size) : '10Gi'))) >= 0",message="mongodb.storage.size cannot shrink below what the volumes have: it is 10Gi where none is given. To go smaller make a new ChatPDFDeployment and move the data.",fieldPath=".spec.mongodb.storage.size"
// +kubebuilder:validation:XValidation:rule="(has(self.spec) && has(self.spec.mongodb) && has(self.spec.mongodb.external)) == (has(oldSelf.spec) && has(oldSelf.spec.mongodb) && has(oldSelf.spec.mongodb.external))",message="mongodb.external is chosen when a ChatPDFDeployment is made: what a database holds would stay behind. Make a new ChatPDFDeployment and move the data.",fieldPath=".spec.mongodb"
type ChatPDFDeployment struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is what is wanted.
	// +optional
	Spec ChatPDFDeploymentSpec `json:"spec,omitzero"`

	// status is what was observed last. It is a mirror: nothing is remembered in it alone.
	// +kubebuilder:default:={"observedGeneration":-1}
	// +optional
	Status ChatPDFDeploymentStatus `json:"status,omitzero"`
}

// ChatPDFDeploymentList is a list of ChatPDFDeployment.
//
// +kubebuilder:object:root=true
type ChatPDFDeploymentList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []ChatPDFDeployment `json:"items"`
}

// ChatPDFDeploymentSpec is what one ChatPDF should be.
// +kubebuilder:validation:XValidation:rule="!has(self.backup) || !has(self.mongodb) || !has(self.mongodb.external)",message="backup is for the database that the operator runs: leave it out with mongodb.external, and have whoever runs that database save it."
type ChatPDFDeploymentSpec struct {
	// image is the application's image, for the backend and the frontend.
	// Absent: the application this operator was released with.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^\\\\s]+$')",message="image must be an image reference without spaces, such as registry.example.com/chatpdf:1.4.0."
	// +optional
	Image string `json:"image,omitempty"`

	// suspend stops the operator from changing anything of this ChatPDF; what runs goes on running.
	// +optional
	Suspend *bool `json:"suspend,omitempty"`

	// llm is the OpenAI-compatible server that answers are written by.
	// Without a key, answers quote the documents instead; citations are the same.
	// +optional
	LLM LLMSpec `json:"llm,omitzero"`

	// backend is the API and the ingestion of documents.
	// +optional
	Backend BackendSpec `json:"backend,omitzero"`

	// frontend serves the page and is the front door.
	// +optional
	Frontend FrontendSpec `json:"frontend,omitzero"`

	// requestLimits bound what one client may send.
	// +optional
	RequestLimits RequestLimitsSpec `json:"requestLimits,omitzero"`

	// mongodb is the database, which the operator runs unless it is external.
	// +optional
	MongoDB MongoDBSpec `json:"mongodb,omitzero"`

	// backup saves the database every night unless it says otherwise.
	// +optional
	Backup BackupSpec `json:"backup,omitzero"`
}

// LLMSpec names an OpenAI-compatible server and its models.
//
// +kubebuilder:validation:XValidation:rule="has(self.apiKeySecretRef) || !(has(self.chatModel) || has(self.embeddingModel) || has(self.baseURL))",message="llm needs apiKeySecretRef: without a key no model is called. Name a Secret and its key, or leave llm out for extractive answers."
type LLMSpec struct {
	// baseURL is the root of the API, with its version. Absent: https://api.openai.com/v1.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != ''",message="baseURL must be an http or https URL, such as https://api.openai.com/v1."
	// +kubebuilder:validation:XValidation:rule="!self.contains('@')",message="baseURL must not carry credentials: put the key into a Secret and name it in apiKeySecretRef."
	// +kubebuilder:validation:XValidation:rule="!self.matches('[?#]')",message="baseURL must not have a query or a fragment: it is what the paths of the API are put behind."
	// +optional
	BaseURL string `json:"baseURL,omitempty"`

	// apiKeySecretRef names the key of a Secret in this namespace that holds the API key.
	// +optional
	APIKeySecretRef *SecretKeyRef `json:"apiKeySecretRef,omitempty"`

	// chatModel writes the answers. Absent: gpt-4o-mini.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +optional
	ChatModel string `json:"chatModel,omitempty"`

	// embeddingModel embeds passages and questions. Absent: text-embedding-3-small.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +optional
	EmbeddingModel string `json:"embeddingModel,omitempty"`
}

// SecretKeyRef names one key of a Secret in the same namespace.
//
// +structType=atomic
type SecretKeyRef struct {
	// name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +required
	Name string `json:"name"`

	// key inside the Secret's data.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +kubebuilder:validation:XValidation:rule="self != '.' && !self.startsWith('..')",message="key cannot be '.' or start with '..': it becomes a file name."
	// +required
	Key string `json:"key"`
}

// BackendSpec is the API and its ingestion workers.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.replicas) && has(self.autoscaling))",message="set either backend.replicas or backend.autoscaling: a fixed count and an autoscaler would fight."
type BackendSpec struct {
	// replicas is a fixed number of pods. Absent, and without autoscaling: 2.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	Replicas int32 `json:"replicas,omitempty"`

	// autoscaling lets a HorizontalPodAutoscaler choose the number of pods.
	// +optional
	Autoscaling *AutoscalingSpec `json:"autoscaling,omitempty"`

	// resources of one pod. Absent: requests of 250m CPU and 512Mi, limits of 2 CPU and 2Gi.
	// +optional
	Resources ResourcesSpec `json:"resources,omitzero"`

	// workerCount is how many documents one pod takes in at the same time. Absent: 2.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=64
	// +optional
	WorkerCount int32 `json:"workerCount,omitempty"`

	// maxConnections is the size of one pod's connection pool to MongoDB. Absent: 100.
	// +kubebuilder:validation:Minimum=4
	// +kubebuilder:validation:Maximum=10000
	// +optional
	MaxConnections int32 `json:"maxConnections,omitempty"`

	// fileReadPreference is which members of the database PDFs are read from, which are most of what is read:
	// SecondaryPreferred takes that load off the primary where there are three members or more. Everything else
	// is read from the primary. Absent: Primary.
	// +kubebuilder:validation:Enum=Primary;SecondaryPreferred
	// +optional
	FileReadPreference ReadPreference `json:"fileReadPreference,omitempty"`

	// timeoutSeconds is the longest that one request may take, streams and uploads apart. Absent: 30.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	// +optional
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`

	// log is what the application logs, backend and frontend alike.
	// +optional
	Log LogSpec `json:"log,omitzero"`
}

// ReadPreference is which members of the database are read.
type ReadPreference string

// Read preferences.
const (
	ReadPrimary            ReadPreference = "Primary"
	ReadSecondaryPreferred ReadPreference = "SecondaryPreferred"
)

// AutoscalingSpec is the range and the aim of the HorizontalPodAutoscaler.
//
// +kubebuilder:validation:XValidation:rule="!has(self.minReplicas) || self.minReplicas <= self.maxReplicas",message="autoscaling.minReplicas must not be above autoscaling.maxReplicas."
type AutoscalingSpec struct {
	// minReplicas is the smallest number of pods. Absent: 2, or maxReplicas if that is smaller.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	MinReplicas int32 `json:"minReplicas,omitempty"`

	// maxReplicas is the largest number of pods.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +required
	MaxReplicas int32 `json:"maxReplicas"`

	// cpuUtilization is the average CPU use to aim for, in percent of the request. Absent: 70.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	CPUUtilization int32 `json:"cpuUtilization,omitempty"`
}

// LogLevel is the least severe level that is logged.
//
// +kubebuilder:validation:Enum=DEBUG;INFO;WARNING;ERROR
type LogLevel string

// LogFormat is how a log line is written.
//
// +kubebuilder:validation:Enum=json;text
type LogFormat string

// LogSpec is what is logged and how.
type LogSpec struct {
	// level is the least severe level that is logged. Absent: INFO.
	// +optional
	Level LogLevel `json:"level,omitempty"`

	// format of a line. Absent: json.
	// +optional
	Format LogFormat `json:"format,omitempty"`
}

// FrontendSpec is the server of the page.
type FrontendSpec struct {
	// replicas is the number of pods. Absent: 2.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	Replicas int32 `json:"replicas,omitempty"`

	// resources of one pod. Absent: requests of 50m CPU and 64Mi, limits of 1 CPU and 256Mi.
	// +optional
	Resources ResourcesSpec `json:"resources,omitzero"`
}

// RequestLimitsSpec bounds what one client may send.
type RequestLimitsSpec struct {
	// maxFileSize is the largest PDF that is taken. Absent: 10Mi.
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 1024 : isQuantity(self) && quantity(self).compareTo(quantity('1Ki')) >= 0 && quantity(self).isInteger()",message="maxFileSize must be a whole number of bytes, 1Ki at least, such as 10Mi."
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self <= 2147483648 : !isQuantity(self) || quantity(self).compareTo(quantity('2Gi')) <= 0",message="maxFileSize may be 2Gi at most."
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +optional
	MaxFileSize *resource.Quantity `json:"maxFileSize,omitempty"`

	// requestsPerMinute is how many requests one client may send in a minute. Absent: 100.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	// +optional
	RequestsPerMinute int32 `json:"requestsPerMinute,omitempty"`

	// requestsPerSecond is how many requests one client may send in a second, on average. Absent: 10.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	// +optional
	RequestsPerSecond int32 `json:"requestsPerSecond,omitempty"`

	// burst is how many requests one client may send at once. Absent: 20.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	// +optional
	Burst int32 `json:"burst,omitempty"`
}
