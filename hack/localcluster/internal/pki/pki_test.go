package pki

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestCertificateIsGoodForBothEndsAndOnlyFromItsAuthority(t *testing.T) {
	authority, err := NewAuthority("kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewAuthority("kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Issue(Identity{
		User: "system:node:node1", Groups: []string{"system:nodes"},
		Names: []string{"node1"}, Addresses: []net.IP{net.IPv4(10, 200, 0, 11)},
	})
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatalf("certificate and key do not fit: %v", err)
	}
	leaf, err := x509.ParseCertificate(loaded.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if leaf.Subject.CommonName != "system:node:node1" || len(leaf.Subject.Organization) != 1 || leaf.Subject.Organization[0] != "system:nodes" {
		t.Errorf("the certificate is for %v", leaf.Subject)
	}
	verify := func(a *Authority, name string, usage x509.ExtKeyUsage) error {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(a.PEM())
		_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, KeyUsages: []x509.ExtKeyUsage{usage}})
		return err
	}
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		if err := verify(authority, "10.200.0.11", usage); err != nil {
			t.Errorf("not good for usage %v: %v", usage, err)
		}
	}
	if verify(other, "node1", x509.ExtKeyUsageServerAuth) == nil {
		t.Error("another authority of the same name vouches for it")
	}
	if verify(authority, "node2", x509.ExtKeyUsageServerAuth) == nil {
		t.Error("it is good for a name that it was not made for")
	}
}

func TestKeysAreWrittenForTheirOwnerAlone(t *testing.T) {
	dir := t.TempDir()
	if err := (Pair{[]byte("certificate"), []byte("key")}).Write(dir, "x"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "x.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info, err)
	}
}
