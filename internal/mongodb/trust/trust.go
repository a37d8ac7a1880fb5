// Package trust reads certificates and names them by their fingerprints, so that who serves and who trusts
// which one can be told without showing it.
package trust

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
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

// Anchors says that a chain of signatures leads from the certificate to one of the authorities, and that it is good for
// servers and for clients: members of a replica set are both.
func Anchors(authorities []*x509.Certificate, certificate *x509.Certificate, intermediates []*x509.Certificate, options x509.VerifyOptions) error {
	options.Roots, options.Intermediates = pool(authorities), pool(intermediates)
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		options.KeyUsages = []x509.ExtKeyUsage{usage}
		if _, err := certificate.Verify(options); err != nil {
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
