package mongodtest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"chatpdf.dev/operator/internal/mongodb/trust/trusttest"
)

// writeCertificates writes ca.crt and server.pem (certificate and key) into dir and returns the path of server.pem.
func writeCertificates(dir string, dnsNames []string) (string, error) {
	const lifetime = 24 * time.Hour
	since := time.Now().Add(-time.Hour)
	authority, err := trusttest.NewAuthority("mongodtest CA", since, lifetime)
	if err != nil {
		return "", err
	}
	pair, err := authority.Sign(since, lifetime, append([]string{"localhost"}, dnsNames...)...)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "server.pem")
	if err := os.WriteFile(path, slices.Concat(pair.Certificate, pair.Key), 0o400); err != nil {
		return "", fmt.Errorf("writing the members' certificate: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ca.crt"), authority.PEM(), 0o644); err != nil {
		return "", fmt.Errorf("writing the CA: %w", err)
	}
	return path, nil
}
