package observe

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"chatpdf.dev/operator/internal/stack"
)

// secrets looks at every Secret that the deployment's pods need. What is inside is reduced to
// whether there is anything; the one thing that leaves this room is the certificate that says whom
// to trust.
func (o Observer) secrets(ctx context.Context, seen *Observed) error {
	d := seen.Deployment
	names := stack.NamesOf(d.Name)
	generated := []string{
		names.AdminSecret, names.DatabaseAdminSecret, names.DatabaseAppSecret, names.KeyfileSecret,
		names.AgentSecret, names.CASecret, names.TLSSecret,
	}
	needed := slices.Clone(generated)
	if key := d.Spec.LLM.APIKeySecretRef; key != nil {
		needed = append(needed, key.Name)
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
		seen.Secrets[name] = Secret{Filled: filled}
		if name == names.TLSSecret {
			seen.CA = secret.Data[stack.KeyCACertificate]
		}
	}
	seen.complete = !slices.ContainsFunc(generated, func(name string) bool { return !seen.has(name) })
	return nil
}
