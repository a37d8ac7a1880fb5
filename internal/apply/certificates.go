package apply

import (
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

	"chatpdf.dev/operator/internal/stack"
)

// skew is how far clocks of nodes may be behind the operator's.
const skew = time.Hour

// newAuthority makes a self-signed authority that may sign certificates and nothing else.
func newAuthority(r stack.Authority, now time.Time) (map[string][]byte, error) {
	key, keyPEM, err := newKey()
	if err != nil {
		return nil, err
	}
	template, err := newTemplate(r.CommonName, now, stack.AuthorityLifetime)
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
