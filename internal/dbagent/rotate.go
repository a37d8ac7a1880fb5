package dbagent

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// rotator has mongod serve the certificate that stands in its files. mongod reads them when it starts
// and when it is told to, which is not by itself when they change.
type rotator struct {
	log     *slog.Logger
	address string
	files   *Files
	// served is what mongod was last seen to serve, in DER; nil before it was asked.
	served []byte
	// obstacle is why it could not be brought to, as it was logged last.
	obstacle string
}

// follow brings mongod to the certificate of the files, if it serves another one. It asks only once
// for each certificate.
func (r *rotator) follow(ctx context.Context) {
	wanted := r.files.identity.Load().certificate.Certificate[0]
	if bytes.Equal(r.served, wanted) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	err := r.bring(ctx, wanted)
	if err == nil {
		r.served, r.obstacle = wanted, ""
		return
	}
	if r.obstacle != err.Error() {
		r.obstacle = err.Error()
		r.log.Info("mongod does not serve the certificate of its files yet", "reason", r.obstacle)
	}
}

func (r *rotator) bring(ctx context.Context, wanted []byte) error {
	served, err := servedCertificate(ctx, r.address)
	if err != nil || bytes.Equal(served, wanted) {
		return err
	}
	username, password, err := r.files.Admin()
	if err != nil {
		return err
	}
	credential := &options.Credential{AuthSource: "admin", Username: username, Password: password}
	if err := runOn(ctx, r.address, r.files, credential, bson.D{{Key: "rotateCertificates", Value: 1}}, nil); err != nil {
		return fmt.Errorf("asking mongod to read its certificate again: %w", err)
	}
	if served, err = servedCertificate(ctx, r.address); err != nil {
		return err
	}
	if !bytes.Equal(served, wanted) {
		return errors.New("mongod has read its files again and serves another certificate")
	}
	r.log.Info("mongod serves a new certificate")
	return nil
}

// servedCertificate is what a new connection is shown. Whether it is to be trusted does not matter
// here: one that has expired is to be replaced all the same, and nothing is sent.
func servedCertificate(ctx context.Context, address string) ([]byte, error) {
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}} //nolint:gosec // see above
	connection, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("looking which certificate mongod serves: %w", err)
	}
	defer connection.Close()
	secured, is := connection.(*tls.Conn)
	if !is || len(secured.ConnectionState().PeerCertificates) == 0 {
		return nil, errors.New("looking which certificate mongod serves: it shows none")
	}
	return secured.ConnectionState().PeerCertificates[0].Raw, nil
}
