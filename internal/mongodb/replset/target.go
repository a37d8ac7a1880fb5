package replset

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
)

// DialFunc connects to a member or its agent, under the address that stands in the replica set
// configuration (or the same host with the agent's port). Outside of the cluster it may dial
// another address: TLS still verifies the name.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// DialContext makes a DialFunc what the driver wants.
func (d DialFunc) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}

// Login is a database user and its password.
type Login struct{ Username, Password string }

// Rotating is a user whose password is replaced now and then.
type Rotating struct {
	Login
	// Next is to take its place; zero while none is.
	Next Login
	// Replaced is the name of the user whose place it has taken; empty if it took nobody's.
	Replaced string
}

// Credentials are read again on each use.
type Credentials struct {
	// Admin is the operator's own user: its next password is of the same user.
	Admin Rotating
	// App is the application's.
	App Rotating
	// Metrics is the one with which the agents ask for metrics.
	Metrics Rotating
	// Backup is the one that backups are read with.
	Backup Rotating
	// AgentToken opens the bootstrap endpoint of dbagent.
	AgentToken string
}

// ConnectionString is how a database is reached that somebody else runs.
type ConnectionString struct {
	URI string
	// CA is the PEM of the authorities that servers' certificates are trusted of; empty: those that the system trusts.
	CA []byte
}

// Target is one replica set to watch.
type Target struct {
	// External reads how a database is reached that somebody else runs. Nil for one of our own; else SecretsVersion is all
	// that counts beside it.
	External func(context.Context) (ConnectionString, error)
	// ReplicaSet is the set's name.
	ReplicaSet string
	// Hosts are the member hosts, with port, by ordinal.
	Hosts []string
	// CA is the PEM of the authorities that members' certificates are trusted of.
	CA []byte
	// Certificate is the fingerprint of the one that members should serve.
	Certificate string
	// Keyfile is the fingerprint of the one that members should have been started with.
	Keyfile string
	// Fenced are the hosts of members whose mongod may not run.
	Fenced []string
	// SecretsVersion changes when what Credentials reads may have changed: then a client is made anew.
	SecretsVersion string
	// Credentials reads the Secrets. It is called when a connection is made and by steps that need
	// a password, never at steady state.
	Credentials func(context.Context) (Credentials, error)
	// Dial is how members are reached; nil dials the host itself.
	Dial DialFunc
}

// same says that nothing changed which Watch has to take up. Functions cannot be compared: the
// first ones are kept.
func (t Target) same(other Target) bool {
	return (t.External == nil) == (other.External == nil) &&
		t.ReplicaSet == other.ReplicaSet && t.SecretsVersion == other.SecretsVersion && t.Certificate == other.Certificate && t.Keyfile == other.Keyfile &&
		slices.Equal(t.Hosts, other.Hosts) && slices.Equal(t.Fenced, other.Fenced) && bytes.Equal(t.CA, other.CA)
}

// connectsAlike says that a client made for the other target finds the same replica set.
func (t Target) connectsAlike(other Target) bool {
	stayed := slices.ContainsFunc(t.Hosts, func(host string) bool { return slices.Contains(other.Hosts, host) })
	return t.ReplicaSet == other.ReplicaSet && t.SecretsVersion == other.SecretsVersion && bytes.Equal(t.CA, other.CA) && stayed
}

func (t Target) dial() DialFunc {
	if t.Dial != nil {
		return t.Dial
	}
	return (&net.Dialer{}).DialContext
}

// tls trusts the target's CA alone. The name to verify is left to whoever dials.
func (t Target) tls() (*tls.Config, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(t.CA) {
		return nil, errors.New("the CA of the database holds no certificate: its Secret's ca.crt must be PEM")
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// tlsFor verifies the member's own name.
func (t Target) tlsFor(host string) (*tls.Config, error) {
	config, err := t.tls()
	if err != nil {
		return nil, err
	}
	config.ServerName, _, err = net.SplitHostPort(host)
	return config, err
}
