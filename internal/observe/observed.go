package observe

import (
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/stack"
)

// Observed is what one pass saw.
type Observed struct {
	Deployment *v1alpha1.ChatPDFDeployment

	ServiceAccounts []corev1.ServiceAccount
	Services        []corev1.Service
	Deployments     []appsv1.Deployment
	StatefulSets    []appsv1.StatefulSet
	Budgets         []policyv1.PodDisruptionBudget
	Autoscalers     []autoscalingv2.HorizontalPodAutoscaler
	Revisions       []appsv1.ControllerRevision
	Pods            []corev1.Pod
	// Claims are the database's volume claims, BackupClaims those that backups are kept on.
	Claims, BackupClaims []corev1.PersistentVolumeClaim
	CronJobs             []batchv1.CronJob
	// Jobs are those of backups, with their pods among Pods.
	Jobs []batchv1.Job
	// Identity is the ConfigMap that remembers the replica set; nil if there is none.
	Identity *corev1.ConfigMap

	// Secrets are those that the deployment needs, generated and the user's, by name; absent ones
	// have no entry.
	Secrets map[string]Secret
	// complete says that every generated Secret exists.
	complete bool
	// Certificates are those that the generated Secrets hold, by the Secret's name; what is no
	// certificate has no entry.
	Certificates map[string]stack.LiveCertificate
	// Issued is the Certificate by which cert-manager was asked for the database's; empty if there is none.
	Issued []unstructured.Unstructured
	// WithoutIssuers says that the cluster knows no such kind.
	WithoutIssuers bool
	// Trust is what the generated Secrets and that of the spec say of the database's certificates.
	Trust stack.LiveTrust
	// Keyfile is what the members know each other by.
	Keyfile stack.LiveKeyfile
	// Logins are the database users that the generated Secrets name, by the Secret's name.
	Logins map[string]stack.LiveLogin
	// CA is the PEM certificate that the database's members are verified with; nil before it exists.
	CA []byte

	// Database is what the watcher saw last.
	Database mongodb.Snapshot

	// StorageClasses of the cluster; nil unless a claim is pending or too small and they could be read.
	StorageClasses *storagev1.StorageClassList
	// Warnings are the latest words of the cluster about objects that are in trouble without
	// saying so themselves.
	Warnings map[types.UID]string
}

// Secret is what may be known about a Secret.
type Secret struct {
	// Version changes with every write of the Secret.
	Version string
	// UID of it.
	UID types.UID
	// Ours says that the operator made it.
	Ours bool
	// Owners of it.
	Owners []metav1.OwnerReference
	// Filled are the keys that exist; the value says whether there is anything in them.
	Filled map[string]bool
}

// Owner is the reference by which an object is deleted with the deployment.
func (seen *Observed) Owner() metav1.OwnerReference {
	d := seen.Deployment
	return metav1.OwnerReference{APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.Kind, Name: d.Name, UID: d.UID}
}

// Named finds an object by name; nil if there is none.
func Named[L any, P interface {
	*L
	GetName() string
}](list []L, name string) P {
	for i := range list {
		if p := P(&list[i]); p.GetName() == name {
			return p
		}
	}
	return nil
}
