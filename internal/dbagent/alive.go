package dbagent

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"

	"chatpdf.dev/operator/internal/mongodb/hello"
)

// Alive asks the mongod at the address once, 3 seconds at most, and says how it is. An answer in
// any state is alive. So is one whose certificate is not trusted, which the warning names: a
// restart would not mend an expired certificate or a CA that is being changed, and nothing secret
// is sent.
func Alive(ctx context.Context, address, authorityFile string) (state, warning string, err error) {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	config := &tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // checked below; a failure is a warning, see above
		MinVersion:         tls.VersionTLS12,
		VerifyConnection: func(connection tls.ConnectionState) error {
			if err := trusted(connection, authorityFile); err != nil {
				warning = err.Error()
			}
			return nil
		},
	}
	reply, err := hello.Once(ctx, (&net.Dialer{}).DialContext, address, config, "")
	if err != nil {
		return "", warning, err
	}
	return State(reply), warning, nil
}

func trusted(connection tls.ConnectionState, authorityFile string) error {
	authority, err := os.ReadFile(authorityFile)
	if err != nil {
		return fmt.Errorf("reading the CA: %w", err)
	}
	pool, intermediates := x509.NewCertPool(), x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	for _, certificate := range connection.PeerCertificates[1:] {
		intermediates.AddCert(certificate)
	}
	_, err = connection.PeerCertificates[0].Verify(x509.VerifyOptions{DNSName: "localhost", Roots: pool, Intermediates: intermediates})
	return err
}
