package observe

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/trust"
	"chatpdf.dev/operator/internal/stack"
)

// secrets looks at every Secret that the deployment's pods need. What is inside is reduced to
// whether there is anything; all that leaves this room are certificates and usernames, which are no secret.
func (o Observer) secrets(ctx context.Context, seen *Observed) error {
	d := seen.Deployment
	names := stack.NamesOf(d.Name)
	generated := []string{
		names.AdminSecret, names.DatabaseAdminSecret, names.DatabaseAppSecret, names.KeyfileSecret,
		names.AgentSecret, names.CASecret, names.TLSSecret, names.DatabaseMetricsSecret, names.DatabaseBackupSecret,
	}
	if d.Spec.MongoDB.External != nil {
		generated = []string{names.AdminSecret}
	}
	needed := slices.Clone(generated)
	if key := d.Spec.LLM.APIKeySecretRef; key != nil {
		needed = append(needed, key.Name)
	}
	if external := d.Spec.MongoDB.External; external != nil {
		needed = append(needed, external.URISecretRef.Name)
		if ca := external.CASecretRef; ca != nil {
			needed = append(needed, ca.Name)
		}
	}
	if given := d.Spec.MongoDB.TLS.CertificateSecretRef; given != nil {
		needed = append(needed, given.Name)
		obstacle := "Secret %s does not exist: create it with tls.crt, tls.key and ca.crt, or correct spec.mongodb.tls.certificateSecretRef."
		if slices.Contains(generated, given.Name) {
			obstacle = "Secret %s is the operator's own: name another one in spec.mongodb.tls.certificateSecretRef."
		}
		seen.Trust.Given = &stack.GivenCertificate{Secret: given.Name, Obstacle: fmt.Sprintf(obstacle, given.Name)}
	}
	if d.Spec.MongoDB.External == nil {
		needed = append(needed, names.IssuedSecret)
	}
	if d.Spec.MongoDB.TLS.IssuerRef != nil {
		seen.Trust.Given = &stack.GivenCertificate{Secret: names.IssuedSecret, Obstacle: fmt.Sprintf("cert-manager is asked for Secret %s.", names.IssuedSecret)}
	}
	for _, name := range needed {
		secret, err := get[corev1.Secret](ctx, o.Live, d.Namespace, name)
		if err != nil {
			return err
		}
		if secret == nil {
			continue
		}
		filled := make(map[string]bool, len(secret.Data))
		for key, value := range secret.Data {
			filled[key] = len(value) > 0
		}
		seen.Secrets[name] = Secret{
			Filled: filled, Version: secret.ResourceVersion, UID: secret.UID, Owners: secret.OwnerReferences,
			Ours: slices.Contains(generated, name) && secret.Labels[stack.LabelManagedBy] == stack.ManagedBy,
		}
		switch name {
		case names.TLSSecret:
			seen.CA = secret.Data[stack.KeyCACertificate]
			seen.certificate(secret, stack.KeyCertificate)
			seen.served(secret)
		case names.CASecret:
			seen.certificate(secret, stack.KeyCACertificate)
			seen.authorities(secret)
		case names.KeyfileSecret:
			seen.Keyfile = liveKeyfile(secret, seen.Secrets[name].Ours)
		case names.DatabaseAppSecret, names.DatabaseMetricsSecret, names.DatabaseBackupSecret, names.DatabaseAdminSecret:
			seen.Logins[name] = login(secret)
		}
		if given := seen.Trust.Given; given != nil && given.Secret == name && !slices.Contains(generated, name) {
			*given = givenCertificate(secret)
			seen.certificate(secret, stack.KeyCertificate)
		}
	}
	seen.Trust.Ours = seen.Secrets[names.CASecret].Ours && seen.Secrets[names.TLSSecret].Ours
	seen.complete = !slices.ContainsFunc(generated, func(name string) bool { return !seen.has(name) })
	return nil
}

// login reads what is no secret about a database user.
func login(secret *corev1.Secret) stack.LiveLogin {
	since := secret.CreationTimestamp.Time
	if at, err := time.Parse(time.RFC3339, secret.Annotations[stack.AnnotationRotatedAt]); err == nil {
		since = at
	}
	return stack.LiveLogin{
		Username: mongodb.Credential(secret.Data[stack.KeyUsername]), Next: mongodb.Credential(secret.Data[stack.KeyNextUsername]),
		Since: since, Request: secret.Annotations[stack.AnnotationRotationRequest],
		Ours: secret.Labels[stack.LabelManagedBy] == stack.ManagedBy,
	}
}

// certificate reads the first certificate under a key of a Secret.
func (seen *Observed) certificate(secret *corev1.Secret, key string) {
	chain, err := trust.Parse(secret.Data[key])
	if err != nil {
		return // whoever uses it says what is wrong with it
	}
	seen.Certificates[secret.Name] = stack.Live(chain[0], secret.Labels[stack.LabelManagedBy] == stack.ManagedBy)
}
