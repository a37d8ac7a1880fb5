package apply

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/internal/mongodb/trust"
	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/stack"
)

// skew is how far clocks of nodes may be behind the operator's.
const skew = time.Hour

// ChangeCertificates carries out one change: pods see it as a file. It holds only for the Secrets that were read.
// It returns false if they are others by now: the next pass decides anew.
func (w *Writer) ChangeCertificates(ctx context.Context, seen *observe.Observed, change stack.CertificateChange) (done bool, err error) {
	secret, err := w.unchanged(ctx, seen, change.Secret.Name)
	if secret == nil || err != nil {
		return false, err
	}
	if secret.Annotations == nil {
		secret.Annotations = map[string]string{}
	}
	now := w.Clock.Now()
	switch recipe := change.Secret.Recipe.(type) {
	case stack.Authority:
		err = changeAuthority(secret, recipe, change, now)
	case stack.Certificate:
		if change.Kind == stack.TrustAuthorities {
			secret.Data[stack.KeyCACertificate] = trust.Encode(change.Authorities)
			secret.Annotations[stack.AnnotationTrustedSince] = now.UTC().Format(time.RFC3339)
			break
		}
		var source *corev1.Secret
		if source, err = w.unchanged(ctx, seen, cmp.Or(change.From, recipe.AuthoritySecret)); source == nil || err != nil {
			return false, err
		}
		err = changeCertificate(secret, source, recipe, change, now)
	}
	if err != nil {
		return false, fmt.Errorf("certificates in Secret %s: %w", secret.Name, err)
	}
	return true, w.Client.Update(ctx, secret, client.FieldOwner(Manager))
}

// givenCertificate is what members serve again after their Secret was lost, while its authority is a person's.
func (w *Writer) givenCertificate(ctx context.Context, from client.ObjectKey, authority *corev1.Secret) (map[string][]byte, error) {
	var given corev1.Secret
	if err := w.Client.Get(ctx, from, &given); err != nil {
		return nil, fmt.Errorf("the members' certificate came from Secret %s: %w; put it back", from.Name, err)
	}
	if _, err := tls.X509KeyPair(given.Data[stack.KeyCertificate], given.Data[stack.KeyPrivateKey]); err != nil {
		return nil, fmt.Errorf("the members' certificate came from Secret %s, which holds none that can be used: %w; put a pair of tls.crt and tls.key there", from.Name, err)
	}
	return map[string][]byte{
		stack.KeyCACertificate: authority.Data[stack.KeyCACertificate],
		stack.KeyCertificate:   given.Data[stack.KeyCertificate],
		stack.KeyPrivateKey:    given.Data[stack.KeyPrivateKey],
	}, nil
}

// unchanged reads a Secret; nil if it is another version than the pass has seen.
func (w *Writer) unchanged(ctx context.Context, seen *observe.Observed, name string) (*corev1.Secret, error) {
	var secret corev1.Secret
	if err := w.Client.Get(ctx, client.ObjectKey{Namespace: seen.Deployment.Namespace, Name: name}, &secret); err != nil {
		return nil, err
	}
	if secret.ResourceVersion != seen.Secrets[name].Version {
		return nil, nil
	}
	return &secret, nil
}

func changeAuthority(secret *corev1.Secret, recipe stack.Authority, change stack.CertificateChange, now time.Time) error {
	if change.Kind == stack.TrustAuthorities {
		secret.Data[stack.KeyCACertificate] = trust.Encode(change.Authorities)
		if change.From != "" {
			delete(secret.Data, stack.KeyCAKey) // it belongs to none that signs from now on
			secret.Annotations[stack.AnnotationCertificatesFrom] = change.From
		}
		return nil
	}
	fresh, err := newAuthority(recipe, now)
	if err != nil {
		return err
	}
	secret.Data[stack.KeyCACertificate] = bytes.Join([][]byte{fresh[stack.KeyCACertificate], secret.Data[stack.KeyCACertificate]}, nil)
	secret.Data[stack.KeyCAKey] = fresh[stack.KeyCAKey]
	delete(secret.Annotations, stack.AnnotationCertificatesFrom)
	if change.Request != "" {
		secret.Annotations[stack.AnnotationRenewRequest] = change.Request
	}
	return nil
}

// changeCertificate leaves alone which authorities are trusted.
func changeCertificate(secret, source *corev1.Secret, recipe stack.Certificate, change stack.CertificateChange, now time.Time) error {
	content := source.Data
	if change.From == "" {
		var err error
		if content, err = newCertificate(recipe, source.Data, now); err != nil {
			return err
		}
	}
	for _, key := range []string{stack.KeyCertificate, stack.KeyPrivateKey} {
		secret.Data[key] = content[key]
	}
	secret.Annotations[stack.AnnotationRotatedAt] = now.UTC().Format(time.RFC3339)
	return nil
}

// newAuthority makes a self-signed authority that may sign certificates and nothing else.
func newAuthority(r stack.Authority, now time.Time) (map[string][]byte, error) {
	key, keyPEM, err := newKey()
	if err != nil {
		return nil, err
	}
	template, err := newTemplate(r.CommonName, now, r.Lifetime)
	if err != nil {
		return nil, err
	}
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("signing the certificate authority: %w", err)
	}
	return map[string][]byte{stack.KeyCACertificate: encode("CERTIFICATE", der), stack.KeyCAKey: keyPEM}, nil
}

// newCertificate makes a certificate for servers and clients: members of a replica set are both.
func newCertificate(r stack.Certificate, authority map[string][]byte, now time.Time) (map[string][]byte, error) {
	pair, err := tls.X509KeyPair(authority[stack.KeyCACertificate], authority[stack.KeyCAKey])
	if err != nil {
		return nil, fmt.Errorf("the certificate authority in Secret %s cannot be used: %w; put back its ca.crt and ca.key", r.AuthoritySecret, err)
	}
	key, keyPEM, err := newKey()
	if err != nil {
		return nil, err
	}
	template, err := newTemplate(r.CommonName, now, r.Lifetime)
	if err != nil {
		return nil, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.DNSNames, template.IPAddresses = r.DNSNames, []net.IP{net.IPv4(127, 0, 0, 1)}
	if template.NotAfter.After(pair.Leaf.NotAfter) {
		template.NotAfter = pair.Leaf.NotAfter
	}
	der, err := x509.CreateCertificate(rand.Reader, template, pair.Leaf, key.Public(), pair.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("signing the certificate of %s: %w", r.CommonName, err)
	}
	return map[string][]byte{
		stack.KeyCACertificate: authority[stack.KeyCACertificate],
		stack.KeyCertificate:   encode("CERTIFICATE", der),
		stack.KeyPrivateKey:    keyPEM,
	}, nil
}

func newTemplate(commonName string, now time.Time, lifetime time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("making a serial number: %w", err)
	}
	const longestCommonName = 64 // RFC 5280, appendix A
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: commonName[:min(len(commonName), longestCommonName)]},
		NotBefore:    now.Add(-skew),
		NotAfter:     now.Add(lifetime),
	}, nil
}

func newKey() (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("making a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding a key: %w", err)
	}
	return key, encode("PRIVATE KEY", der), nil
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
