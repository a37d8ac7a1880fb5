package apply

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"testing"
	"time"

	"chatpdf.dev/operator/internal/stack"
)

func TestMembersAreTrustedUnderEveryNameThatTheyAreReachedBy(t *testing.T) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	authority, err := newAuthority(stack.Authority{CommonName: "a-namespace-with-a-long-name-of-its-own/and-a-deployment-too-mongodb", Lifetime: stack.AuthorityLifetime}, now)
	if err != nil {
		t.Fatal(err)
	}
	data, err := newCertificate(stack.Certificate{
		Lifetime: stack.CertificateLifetime, CommonName: "docs-mongodb", DNSNames: []string{"*.docs-mongodb.ns.svc.cluster.local", "docs-mongodb.ns.svc.cluster.local", "docs-mongodb.ns.svc", "localhost"},
	}, authority, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, leaked := data[stack.KeyCAKey]; leaked || !bytes.Equal(data[stack.KeyCACertificate], authority[stack.KeyCACertificate]) {
		t.Error("the members get another authority, or its key")
	}
	pair, err := tls.X509KeyPair(data[stack.KeyCertificate], data[stack.KeyPrivateKey])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority[stack.KeyCACertificate])
	for _, name := range []string{"docs-mongodb-0.docs-mongodb.ns.svc.cluster.local", "docs-mongodb.ns.svc.cluster.local", "docs-mongodb.ns.svc", "localhost", "127.0.0.1"} {
		for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
			for _, when := range []time.Time{now.Add(-30 * time.Minute), now, now.Add(stack.CertificateLifetime - time.Hour)} {
				_, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, CurrentTime: when, KeyUsages: []x509.ExtKeyUsage{usage}})
				if err != nil {
					t.Errorf("%s at %s: %v", name, when, err)
				}
			}
		}
	}
	for _, name := range []string{"docs-mongodb-0.docs-mongodb.other.svc.cluster.local", "example.com"} {
		if pair.Leaf.VerifyHostname(name) == nil {
			t.Errorf("it is good for %s too", name)
		}
	}
	if _, err := newCertificate(stack.Certificate{AuthoritySecret: "docs-mongodb-ca"}, map[string][]byte{}, now); err == nil {
		t.Error("an empty authority signed")
	}
}
