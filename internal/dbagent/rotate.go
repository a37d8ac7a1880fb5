package dbagent

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"chatpdf.dev/operator/internal/dbagent/protocol"
	"chatpdf.dev/operator/internal/mongodb/trust"
)

// rotator has mongod serve the certificate, and trust the authorities, that stand in its files. mongod reads
// them when it starts and when it is told to, which is not by itself when they change.
type rotator struct {
	log     *slog.Logger
	address string
	files   *Files
	// told is what mongod was made to read last; nil before that.
	told atomic.Pointer[identity]
	// obstacle is why it could not be made to, as it was logged last.
	obstacle string
}

// follow has mongod read its files, once for each content: what it has read of the authorities it does not show.
func (r *rotator) follow(ctx context.Context) {
	wanted := r.files.identity.Load()
	if r.told.Load() == wanted {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	err := r.bring(ctx, wanted)
	if err == nil {
		r.told.Store(wanted)
		r.obstacle = ""
		return
	}
	if r.obstacle != err.Error() {
		r.obstacle = err.Error()
		r.log.Info("mongod has not read the certificates of its files yet", "reason", r.obstacle)
	}
}

func (r *rotator) bring(ctx context.Context, wanted *identity) error {
	username, password, err := r.files.Admin()
	if err != nil {
		return err
	}
	credential := &options.Credential{AuthSource: "admin", Username: username, Password: password}
	// One that has expired is replaced by this: it cannot be verified. mongod proves by SCRAM that it knows the user, and
	// is not told the password (https://datatracker.ietf.org/doc/html/rfc5802).
	unverified := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12} //nolint:gosec // see above
	if err := runOn(ctx, r.address, unverified, credential, bson.D{{Key: "rotateCertificates", Value: 1}}, nil); err != nil {
		return fmt.Errorf("asking mongod to read its certificates again: %w", err)
	}
	served, err := servedCertificate(ctx, r.address)
	if err != nil {
		return err
	}
	if !bytes.Equal(served, wanted.certificate.Certificate[0]) {
		return errors.New("mongod has read its files again and serves another certificate")
	}
	r.log.Info("mongod has read its certificates")
	return nil
}

// report is what mongod serves and trusts, if it was made to read its files.
func (r *rotator) report() (report protocol.Report) {
	if told := r.told.Load(); told != nil {
		report.Serves, report.Trusts = trust.ChainFingerprint(told.chain), trust.Fingerprints(told.authorities)
	}
	return report
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
