package stack

import (
	"maps"

	"chatpdf.dev/operator/internal/mongodb"
)

// Components, as in the label app.kubernetes.io/component.
const (
	ComponentBackend  = "backend"
	ComponentFrontend = "frontend"
	ComponentMongoDB  = "mongodb"
	ComponentBackup   = "backup"
)

// Labels of everything that the operator makes.
const (
	LabelName      = "app.kubernetes.io/name"
	LabelInstance  = "app.kubernetes.io/instance"
	LabelComponent = "app.kubernetes.io/component"
	LabelPartOf    = "app.kubernetes.io/part-of"
	LabelManagedBy = "app.kubernetes.io/managed-by"

	// ManagedBy is the value of LabelManagedBy; the operator's cache holds nothing without it.
	ManagedBy = "chatpdf-operator"

	// LabelKept marks what stays when the ChatPDFDeployment is deleted.
	LabelKept = "chatpdf.dev/kept"

	product = "chatpdf"
)

// Names are the names of one deployment's objects.
type Names struct {
	// Backend, Frontend and MongoDB name the workload, its Service, its ServiceAccount and its
	// PodDisruptionBudget; the HorizontalPodAutoscaler is named like the backend.
	Backend, Frontend, MongoDB string
	// Backup names the CronJob, its ServiceAccount and the claim of the volume that backups are kept on.
	Backup string
	// AdminSecret holds the first administrator of the application.
	AdminSecret string
	// DatabaseAdminSecret holds the operator's own database user.
	DatabaseAdminSecret string
	// DatabaseAppSecret holds the application's database user and its connection string.
	DatabaseAppSecret string
	// DatabaseMetricsSecret holds the user with which the agents ask for metrics.
	DatabaseMetricsSecret string
	// DatabaseBackupSecret holds the user with which backups are read.
	DatabaseBackupSecret string
	// KeyfileSecret holds what the members know each other by.
	KeyfileSecret string
	// AgentSecret holds the token that opens dbagent's bootstrap endpoint.
	AgentSecret string
	// CASecret holds the certificate authority, key included; only its certificate is ever mounted.
	CASecret string
	// TLSSecret holds the members' certificate.
	TLSSecret string
	// Issued is the Certificate by which cert-manager is asked for the members' certificate, IssuedSecret where it writes that.
	Issued, IssuedSecret string
	// Identity is the ConfigMap that remembers the replica set.
	Identity string
}

// NamesOf returns the names of the objects of the ChatPDFDeployment with this name.
func NamesOf(deployment string) Names {
	set := mongodb.StatefulSetName(deployment)
	return Names{
		Backend:               deployment + "-backend",
		Frontend:              deployment + "-frontend",
		MongoDB:               set,
		Backup:                deployment + "-backup",
		AdminSecret:           deployment + "-admin",
		DatabaseAdminSecret:   mongodb.AdminSecretName(deployment),
		DatabaseAppSecret:     mongodb.AppSecretName(deployment),
		DatabaseMetricsSecret: mongodb.MetricsSecretName(deployment),
		DatabaseBackupSecret:  mongodb.BackupSecretName(deployment),
		KeyfileSecret:         set + "-keyfile",
		AgentSecret:           set + "-agent",
		CASecret:              set + "-ca",
		TLSSecret:             set + "-tls",
		Issued:                set,
		IssuedSecret:          set + "-issued",
		Identity:              mongodb.IdentityName(deployment),
	}
}

// SelectorLabels find the pods of one component. They carry no version: selectors cannot change.
func SelectorLabels(deployment, component string) map[string]string {
	return map[string]string{LabelName: product, LabelInstance: deployment, LabelComponent: component}
}

// InstanceLabels are on everything that belongs to one deployment but to no single component.
func InstanceLabels(deployment string) map[string]string {
	return map[string]string{
		LabelName: product, LabelInstance: deployment, LabelPartOf: product, LabelManagedBy: ManagedBy,
	}
}

// Labels are on every object of one component.
func Labels(deployment, component string) map[string]string {
	labels := InstanceLabels(deployment)
	maps.Copy(labels, SelectorLabels(deployment, component))
	return labels
}
