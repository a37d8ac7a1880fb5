package stack

import (
	"time"

	"chatpdf.dev/operator/internal/mongodb"
)

// Keys of Secrets.
const (
	KeyUsername      = "username"
	KeyPassword      = "password"
	KeyURI           = "uri"
	KeyType          = "type"
	KeyHost          = "host"
	KeyPort          = "port"
	KeyDatabase      = "database"
	KeyKeyfile       = "keyfile"
	KeyToken         = "token"
	KeyCACertificate = "ca.crt"
	KeyCAKey         = "ca.key"
	KeyCertificate   = "tls.crt"
	KeyPrivateKey    = "tls.key"
)

// Names of the users that the operator makes.
const (
	adminUser = "admin"
	database  = "chatpdf"
)

// SecretRecipe is a Secret to make once. It is never pruned, has no owner unless the spec wants it deleted with the
// volumes, and nothing but a [Rotation], a [CertificateChange] or a [KeyfileChange] changes its content.
type SecretRecipe struct {
	Name   string
	Labels map[string]string
	// Recipe is a [Login], [DatabaseLogin], [Keyfile], [Token], [Authority] or [Certificate].
	Recipe any
	// BoundToVolumes says that what the volumes hold is worth nothing without this Secret: it is
	// never made again while they exist.
	BoundToVolumes bool
	// Annotations that it is made with.
	Annotations map[string]string
}

// Login is a user and a random password.
type Login struct{ Username string }

// DatabaseLogin is a Login with the connection string of the replica set.
type DatabaseLogin struct{ Username, Host, Database, ReplicaSet string }

// Keyfile is what members of a replica set prove with that they belong together.
type Keyfile struct{}

// Token is a random bearer token.
type Token struct{}

// Authority is a certificate authority of its own.
type Authority struct {
	CommonName string
	// Lifetime is how long it is good for.
	Lifetime time.Duration
	// ReadAnew says that members take another one up without a restart.
	ReadAnew bool
}

// Certificate is signed by the Authority in the Secret that it names.
type Certificate struct {
	AuthoritySecret string
	CommonName      string
	DNSNames        []string
	// Lifetime is how long it is good for.
	Lifetime time.Duration
}

// secretRecipes are in the order in which they must be made.
func secretRecipes(in Input) []SecretRecipe {
	d, names := in.Deployment, NamesOf(in.Deployment.Name)
	service := names.MongoDB + "." + d.Namespace + ".svc"
	fqdn := service + "." + in.Release.ClusterDomain
	databaseLabels := kept(Labels(d.Name, ComponentMongoDB))
	passwords := requested(AnnotationRotationRequest, d.Spec.MongoDB.PasswordRotation.Request)
	administrator := SecretRecipe{Name: names.AdminSecret, Labels: kept(InstanceLabels(d.Name)), Recipe: Login{adminUser}, BoundToVolumes: true}
	if !in.runsDatabase() {
		return []SecretRecipe{administrator}
	}
	return []SecretRecipe{
		administrator,
		{Name: names.DatabaseAdminSecret, Labels: databaseLabels, Recipe: Login{mongodb.AdminUsername}, BoundToVolumes: true, Annotations: passwords},
		{Name: names.DatabaseAppSecret, Labels: databaseLabels, Recipe: DatabaseLogin{
			Username: mongodb.AppUsername, Host: fqdn + ":" + decimal(mongodb.Port), Database: database, ReplicaSet: d.Name,
		}, BoundToVolumes: true, Annotations: passwords},
		{Name: names.KeyfileSecret, Labels: databaseLabels, Recipe: Keyfile{}, BoundToVolumes: true,
			Annotations: requested(AnnotationRotationRequest, d.Spec.MongoDB.KeyfileRotation.Request)},
		{Name: names.CASecret, Labels: databaseLabels, Recipe: Authority{
			CommonName: d.Namespace + "/" + names.MongoDB, Lifetime: authorityLifetime(in.Release.Database), ReadAnew: readsAnew(in.Release.Database),
		}, BoundToVolumes: true, Annotations: requested(AnnotationRenewRequest, d.Spec.MongoDB.TLS.RenewRequest)},
		{Name: names.TLSSecret, Labels: databaseLabels, Recipe: Certificate{
			AuthoritySecret: names.CASecret, CommonName: names.MongoDB,
			DNSNames: []string{"*." + fqdn, fqdn, service, "localhost"},
			Lifetime: certificateLifetime(in.Release.Database),
		}},
		{Name: names.AgentSecret, Labels: databaseLabels, Recipe: Token{}},
		{Name: names.DatabaseMetricsSecret, Labels: databaseLabels, Recipe: Login{mongodb.MetricsUsername}, Annotations: passwords},
		{Name: names.DatabaseBackupSecret, Labels: databaseLabels, Recipe: Login{mongodb.BackupUsername}, Annotations: passwords},
	}
}

// requested are the annotations of a Secret that is made after something was asked of it: what is new needs no renewal.
func requested(annotation, request string) map[string]string {
	if request == "" {
		return nil
	}
	return map[string]string{annotation: request}
}

func kept(labels map[string]string) map[string]string {
	labels[LabelKept] = "true"
	return labels
}
