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
	adminUser         = "admin"
	databaseAdminUser = "chatpdf-admin"
	databaseAppUser   = "chatpdf-app"
	databaseMetrics   = "chatpdf-metrics"
	database          = "chatpdf"
)

// SecretRecipe is a Secret to make once. It is never changed, never pruned and has no owner.
type SecretRecipe struct {
	Name   string
	Labels map[string]string
	// Recipe is a [Login], [DatabaseLogin], [Keyfile], [Token], [Authority] or [Certificate].
	Recipe any
	// BoundToVolumes says that what the volumes hold is worth nothing without this Secret: it is
	// never made again while they exist.
	BoundToVolumes bool
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
type Authority struct{ CommonName string }

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
	return []SecretRecipe{
		{names.AdminSecret, kept(InstanceLabels(d.Name)), Login{adminUser}, true},
		{names.DatabaseAdminSecret, databaseLabels, Login{databaseAdminUser}, true},
		{names.DatabaseAppSecret, databaseLabels, DatabaseLogin{
			Username: databaseAppUser, Host: fqdn + ":" + decimal(mongodb.Port), Database: database, ReplicaSet: d.Name,
		}, true},
		{names.KeyfileSecret, databaseLabels, Keyfile{}, true},
		{names.CASecret, databaseLabels, Authority{CommonName: d.Namespace + "/" + names.MongoDB}, true},
		{names.TLSSecret, databaseLabels, Certificate{
			AuthoritySecret: names.CASecret, CommonName: names.MongoDB,
			DNSNames: []string{"*." + fqdn, fqdn, service, "localhost"},
			Lifetime: certificateLifetime(in.Release.Database),
		}, false},
		{names.AgentSecret, databaseLabels, Token{}, false},
		{names.DatabaseMetricsSecret, databaseLabels, Login{databaseMetrics}, false},
	}
}

func kept(labels map[string]string) map[string]string {
	labels[LabelKept] = "true"
	return labels
}
