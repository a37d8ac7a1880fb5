package replset

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/hello"
)

// probeMember says hello to one member, without a user. The answer tells whether our user exists
// there, and with that an empty volume from one that holds data.
func probeMember(ctx context.Context, target Target, host, admin string) mongodb.Probe {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	config, err := target.tlsFor(host)
	if err != nil {
		return mongodb.Probe{State: mongodb.StateUnreachable, Error: reason(err)}
	}
	reply, err := hello.Once(ctx, target.dial(), host, config, "admin."+admin)
	if err != nil {
		return mongodb.Probe{State: mongodb.StateUnreachable, Error: reason(err)}
	}
	probe := mongodb.Probe{Reached: true, SetName: reply.SetName, KnowsAdmin: len(reply.Mechanisms) > 0, State: mongodb.StateUnknown}
	switch {
	case reply.IsWritablePrimary:
		probe.State = mongodb.StatePrimary
	case reply.Secondary:
		probe.State = mongodb.StateSecondary
	case reply.ArbiterOnly:
		probe.State = mongodb.StateArbiter
	case reply.IsReplicaSet && probe.KnowsAdmin:
		probe.State = mongodb.StateRemoved
	case reply.IsReplicaSet:
		probe.State = mongodb.StateNotYetInitialized
	}
	return probe
}

// reason puts an error into words that stay the same from one try to the next: ports of our own
// would make every snapshot another one.
func reason(err error) string {
	var (
		dns         *net.DNSError
		certificate *tls.CertificateVerificationError
		invalid     x509.CertificateInvalidError
		record      tls.RecordHeaderError
		operation   *net.OpError
		timeout     net.Error
	)
	switch {
	case errors.As(err, &dns):
		return "its name " + dns.Name + " does not resolve"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate has expired, or is not valid yet" // x509 tells the time of day with it
	case errors.As(err, &certificate):
		return "its certificate is not trusted: " + certificate.Err.Error()
	case errors.As(err, &record):
		return "it does not speak TLS"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer within " + callTimeout.String()
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.ErrUnexpectedEOF):
		return "it closed the connection"
	case errors.As(err, &operation):
		return operation.Err.Error()
	}
	return err.Error()
}
