// Package trust reads certificates and names them by their fingerprints, so that who serves and who trusts
// which one can be told without showing it.
package trust

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"
)

const block = "CERTIFICATE"

// Parse reads all certificates of a PEM file. It fails if there is none, or one that cannot be read; other blocks
// are passed over.
func Parse(file []byte) ([]*x509.Certificate, error) {
	var certificates []*x509.Certificate
	for {
		var next *pem.Block
		if next, file = pem.Decode(file); next == nil {
			break
		}
		if next.Type != block {
			continue
		}
		certificate, err := x509.ParseCertificate(next.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading certificate %d: %w", len(certificates)+1, err)
		}
		certificates = append(certificates, certificate)
	}
	if len(certificates) == 0 {
		return nil, errors.New("there is no certificate in PEM form")
	}
	return certificates, nil
}

// Encode writes certificates as a PEM file.
func Encode(certificates []*x509.Certificate) []byte {
	var file []byte
	for _, certificate := range certificates {
		file = append(file, pem.EncodeToMemory(&pem.Block{Type: block, Bytes: certificate.Raw})...)
	}
	return file
}

// Fingerprint names a certificate: SHA-256 of its DER form, in hexadecimal.
func Fingerprint(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	return hex.EncodeToString(sum[:])
}

// ChainFingerprint names a certificate with its intermediates; alone it has its own name.
func ChainFingerprint(chain []*x509.Certificate) string {
	hash := sha256.New()
	for _, certificate := range chain {
		hash.Write(certificate.Raw)
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// Fingerprints names several.
func Fingerprints(certificates []*x509.Certificate) []string {
	names := make([]string, 0, len(certificates))
	for _, certificate := range certificates {
		names = append(names, Fingerprint(certificate))
	}
	return names
}

// Union is the first list and what the others hold besides, each certificate once, in order.
func Union(lists ...[]*x509.Certificate) []*x509.Certificate {
	var all []*x509.Certificate
	for _, certificate := range slices.Concat(lists...) {
		if !slices.ContainsFunc(all, certificate.Equal) {
			all = append(all, certificate)
		}
	}
	return all
}

// Same says that two lists hold the same certificates in the same order.
func Same(a, b []*x509.Certificate) bool { return slices.EqualFunc(a, b, (*x509.Certificate).Equal) }

// ErrNoRoot says that none of the authorities has signed itself.
var ErrNoRoot = errors.New("none of the authorities is a root, which has signed itself")

// Anchors says that a chain of signatures leads from the certificate to one of the authorities that has signed itself,
// by way of the others and the intermediates, and that it is good for servers and for clients: members of a replica set
// are both. Go would take any authority for a root; OpenSSL, and with it mongod, does not. The error is the same as long as nothing
// changes: it does not tell the time.
func Anchors(authorities []*x509.Certificate, certificate *x509.Certificate, intermediates []*x509.Certificate, now time.Time) error {
	var roots, others []*x509.Certificate
	for _, authority := range authorities {
		if bytes.Equal(authority.RawIssuer, authority.RawSubject) && authority.CheckSignatureFrom(authority) == nil {
			roots = append(roots, authority)
		} else {
			others = append(others, authority)
		}
	}
	if len(roots) == 0 {
		return ErrNoRoot
	}
	options := x509.VerifyOptions{Roots: pool(roots), Intermediates: pool(slices.Concat(intermediates, others)), CurrentTime: now}
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		options.KeyUsages = []x509.ExtKeyUsage{usage}
		var invalid x509.CertificateInvalidError
		switch _, err := certificate.Verify(options); {
		case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
			return fmt.Errorf("%s is good from %s to %s", invalid.Cert.Subject, invalid.Cert.NotBefore.UTC().Format(time.DateTime), invalid.Cert.NotAfter.UTC().Format(time.DateTime))
		case err != nil:
			return err
		}
	}
	return nil
}

func pool(certificates []*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, certificate := range certificates {
		pool.AddCert(certificate)
	}
	return pool
}
