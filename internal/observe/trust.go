package observe

import (
	"crypto/tls"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"chatpdf.dev/operator/internal/mongodb/trust"
	"chatpdf.dev/operator/internal/stack"
)

// authorities reads the authority's Secret. What cannot be read is left out: nothing is decided then, and whoever uses
// it says what is wrong with it.
func (seen *Observed) authorities(secret *corev1.Secret) {
	t := &seen.Trust
	authorities, err := trust.Parse(secret.Data[stack.KeyCACertificate])
	if err != nil {
		return
	}
	_, err = tls.X509KeyPair(secret.Data[stack.KeyCACertificate], secret.Data[stack.KeyCAKey])
	t.Authorities, t.Signs = authorities, err == nil
	t.From, t.Request = secret.Annotations[stack.AnnotationCertificatesFrom], secret.Annotations[stack.AnnotationRenewRequest]
}

// served reads the Secret with what members serve and trust.
func (seen *Observed) served(secret *corev1.Secret) {
	t := &seen.Trust
	trusted, err := trust.Parse(secret.Data[stack.KeyCACertificate])
	if err != nil {
		return
	}
	chain, err := trust.Parse(secret.Data[stack.KeyCertificate])
	if err != nil {
		return
	}
	t.Trusted, t.Leaf, t.Intermediates = trusted, chain[0], chain[1:]
	t.TrustedSince, t.ServedSince = dated(secret, stack.AnnotationTrustedSince), dated(secret, stack.AnnotationRotatedAt)
}

func dated(secret *corev1.Secret, annotation string) time.Time {
	at, err := time.Parse(time.RFC3339, secret.Annotations[annotation])
	if err != nil {
		return secret.CreationTimestamp.Time
	}
	return at
}

// givenCertificate reads a Secret in the form in which cert-manager and kubectl write it.
func givenCertificate(secret *corev1.Secret) stack.GivenCertificate {
	given := stack.GivenCertificate{Secret: secret.Name}
	for _, key := range []string{stack.KeyCertificate, stack.KeyPrivateKey, stack.KeyCACertificate} {
		if len(secret.Data[key]) == 0 {
			given.Obstacle = fmt.Sprintf("Secret %s has no %s: it must hold tls.crt, tls.key and the ca.crt that verifies it.", secret.Name, key)
			return given
		}
	}
	pair, err := tls.X509KeyPair(secret.Data[stack.KeyCertificate], secret.Data[stack.KeyPrivateKey])
	if err != nil {
		// The error names no content of the key.
		given.Obstacle = fmt.Sprintf("tls.crt and tls.key of Secret %s are no pair: %v.", secret.Name, err)
		return given
	}
	authorities, err := trust.Parse(secret.Data[stack.KeyCACertificate])
	if err != nil {
		given.Obstacle = fmt.Sprintf("ca.crt of Secret %s: %v.", secret.Name, err)
		return given
	}
	chain, err := trust.Parse(secret.Data[stack.KeyCertificate])
	if err != nil {
		given.Obstacle = fmt.Sprintf("tls.crt of Secret %s: %v.", secret.Name, err)
		return given
	}
	given.Leaf, given.Intermediates, given.Authorities = pair.Leaf, chain[1:], authorities
	return given
}
