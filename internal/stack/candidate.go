package stack

import (
	"cmp"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/release"
)

// Config is what the operator brings along for all deployments.
type Config struct {
	// AppImage runs where the spec names no image.
	AppImage string
	// MongoDBImage runs where the spec names no image.
	MongoDBImage string
	// AgentImage is dbagent's, which runs beside every mongod.
	AgentImage string
	// ClusterDomain is the DNS domain of the cluster, such as cluster.local.
	ClusterDomain string
}

// Candidate renders the release that the spec asks for, as this operator would make it. Package
// release decides whether it is taken. accepted is the content that runs now, empty before the first.
func Candidate(d *v1alpha1.ChatPDFDeployment, config Config, accepted release.Content) release.Content {
	domain := cmp.Or(accepted.ClusterDomain, config.ClusterDomain)
	appImage := cmp.Or(d.Spec.Image, config.AppImage)
	content := release.Content{
		ClusterDomain: domain,
		App: release.App{
			Inputs:   release.Digest(appInputs(d.Spec)),
			Image:    appImage,
			Backend:  backendTemplate(d, appImage),
			Frontend: frontendTemplate(d, appImage),
		},
	}
	if d.Spec.MongoDB.External == nil {
		image := accepted.Database.ImageFor(d.Spec.MongoDB.Image, config.MongoDBImage)
		content.Database = release.Database{
			Inputs:         release.Digest(databaseInputs(d.Spec)),
			Image:          image,
			Rotates:        true,
			ImageByDefault: d.Spec.MongoDB.Image == "",
			Template:       mongodbTemplate(d, domain, image, config.AgentImage),
		}
	}
	return content
}

// appInputs is the part of the spec that shapes the pods of the backend and the frontend. It starts
// from the whole spec, so that a field that is added later counts unless somebody says otherwise.
func appInputs(spec v1alpha1.ChatPDFDeploymentSpec) v1alpha1.ChatPDFDeploymentSpec {
	spec.Suspend = nil
	spec.Backend.Replicas, spec.Backend.Autoscaling = 0, nil
	spec.Frontend.Replicas = 0
	spec.MongoDB = v1alpha1.MongoDBSpec{External: spec.MongoDB.External}
	spec.Backup = v1alpha1.BackupSpec{}
	return spec
}

// databaseShape is the part of the spec that shapes the pods of the database. Of what is absent nothing may be in its
// JSON: another digest restarts the members of everyone.
type databaseShape struct {
	v1alpha1.MongoDBSpec
	BackupDeadlineSeconds int32 `json:"backupDeadlineSeconds,omitempty"`
}

func databaseInputs(spec v1alpha1.ChatPDFDeploymentSpec) databaseShape {
	database := spec.MongoDB
	database.Members = 0
	database.FeatureCompatibilityVersion = ""
	database.PasswordRotation, database.KeyfileRotation = v1alpha1.PasswordRotationSpec{}, v1alpha1.KeyfileRotationSpec{}
	database.TLS = v1alpha1.DatabaseTLSSpec{}
	database.ForcedReconfiguration, database.FencedMembers = nil, nil
	database.Storage = v1alpha1.StorageSpec{}
	return databaseShape{database, spec.Backup.DeadlineSeconds}
}
