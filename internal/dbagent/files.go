package dbagent

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/keyfile"
	"chatpdf.dev/operator/internal/mongodb/trust"
)

// Directories is where the agent finds the mounted Secrets and where it puts what mongod reads.
type Directories struct {
	// Keyfile holds keyfile; TLS holds ca.crt, tls.crt and tls.key; Admin holds username and
	// password; Token holds token.
	Keyfile, TLS, Admin, Token string
	// Metrics holds username and password of the user that reads metrics, and may be empty, or come
	// later: without them there are the metrics that need no user.
	Metrics string
	// Fence holds the names of the members whose mongod may not run, and may be empty.
	Fence string
	// Run is where mongod reads keyfile, server.pem and ca.crt.
	Run string
	// Binary is where the copy of this binary goes that mongod's probes execute.
	Binary string
}

// ownerOnly is what mongod asks of a keyfile: it refuses one that others may read.
const ownerOnly = 0o400

// Files keeps what mongod reads equal to the mounted Secrets, and the certificate that the agent
// itself serves with.
type Files struct {
	directories Directories
	identity    atomic.Pointer[identity]
}

// identity is the certificate of this member and the authorities that members trust.
type identity struct {
	certificate tls.Certificate
	chain       []*x509.Certificate // of the certificate
	authorities []*x509.Certificate
	pool        *x509.CertPool
}

func (i *identity) same(other *identity) bool {
	return trust.Same(i.chain, other.chain) && trust.Same(i.authorities, other.authorities)
}

// NewFiles writes every file once; it fails if a Secret holds nothing usable.
func NewFiles(directories Directories) (*Files, error) {
	f := &Files{directories: directories}
	if err := f.Refresh(); err != nil {
		return nil, err
	}
	return f, nil
}

// Refresh takes up what changed in the mounted Secrets. Content that is no good is refused, and
// what was written before stays.
func (f *Files) Refresh() error {
	d := f.directories
	key, err := read(d.Keyfile, "keyfile")
	if err != nil {
		return err
	}
	if _, err := keyfile.Parse(key); err != nil {
		return fmt.Errorf("the keyfile Secret: %w", err)
	}
	authority, err := read(d.TLS, "ca.crt")
	if err != nil {
		return err
	}
	certificate, err := read(d.TLS, "tls.crt")
	if err != nil {
		return err
	}
	certificateKey, err := read(d.TLS, "tls.key")
	if err != nil {
		return err
	}
	next, err := parse(certificate, certificateKey, authority)
	if err != nil {
		return err
	}
	server := joinPEM(certificate, certificateKey)
	if err := errors.Join(
		f.keep(key),
		replace(filepath.Join(d.Run, "keyfile"), key),
		replace(filepath.Join(d.Run, "server.pem"), server),
		replace(filepath.Join(d.Run, "ca.crt"), authority),
	); err != nil {
		return err
	}
	if present := f.identity.Load(); present == nil || !present.same(next) {
		f.identity.Store(next)
	}
	return nil
}

// firstKeyfile is the keyfile that this pod had first: mongod reads its own when it starts and never again.
const firstKeyfile = "keyfile.first"

// keep remembers the first keyfile for as long as the pod lives, through every restart of this agent.
func (f *Files) keep(key []byte) error {
	path := filepath.Join(f.directories.Run, firstKeyfile)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return replace(path, key)
}

// StartedWith names the keyfile that mongod was started with, or an earlier one: see [keyfile.Fingerprint].
func (f *Files) StartedWith() (string, error) {
	key, err := os.ReadFile(filepath.Join(f.directories.Run, firstKeyfile))
	if err != nil {
		return "", fmt.Errorf("reading which keyfile mongod was started with: %w", err)
	}
	keys, err := keyfile.Parse(key)
	if err != nil {
		return "", err
	}
	return keyfile.Fingerprint(keys), nil
}

// Certificate is what the agent serves with, for tls.Config.
func (f *Files) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return &f.identity.Load().certificate, nil
}

// Loopback is how to reach the mongod of this pod: its certificate names localhost.
func (f *Files) Loopback() *tls.Config {
	return &tls.Config{RootCAs: f.identity.Load().pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}
}

// Admin reads the operator's own user.
func (f *Files) Admin() (username, password string, err error) {
	return ReadUser(f.directories.Admin)
}

// Metrics reads the user that reads metrics.
func (f *Files) Metrics() (username, password string, err error) {
	if f.directories.Metrics == "" {
		return "", "", errors.New("no directory with a user for metrics was named")
	}
	return ReadUser(f.directories.Metrics)
}

// Token reads the operator's token.
func (f *Files) Token() (string, error) {
	token, err := read(f.directories.Token, "token")
	return strings.TrimSpace(string(token)), err
}

// CopyBinary puts a copy of this program where mongod's probes find it. An older copy stays whole
// until the new one is.
func CopyBinary(directory string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	source, err := os.Open(self)
	if err != nil {
		return fmt.Errorf("reading this program: %w", err)
	}
	defer source.Close()
	if err := write(filepath.Join(directory, "dbagent"), source, 0o555); err != nil {
		return fmt.Errorf("copying this program for mongod's probes: %w", err)
	}
	return nil
}

func parse(certificate, key, authority []byte) (*identity, error) {
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("tls.crt and tls.key of the certificate Secret are no pair: %w", err)
	}
	authorities, err := trust.Parse(authority)
	if err != nil {
		return nil, fmt.Errorf("ca.crt of the certificate Secret: %w", err)
	}
	chain, err := trust.Parse(certificate)
	if err != nil {
		return nil, fmt.Errorf("tls.crt of the certificate Secret: %w", err)
	}
	pool := x509.NewCertPool()
	for _, certificate := range authorities {
		pool.AddCert(certificate)
	}
	return &identity{certificate: pair, chain: chain, authorities: authorities, pool: pool}, nil
}

// ReadUser reads a database user from where its Secret is mounted, as [mongodb.Credential] has it. An empty name or
// password is an error.
func ReadUser(directory string) (username, password string, err error) {
	u, err := read(directory, "username")
	if err != nil {
		return "", "", err
	}
	p, err := read(directory, "password")
	if err != nil {
		return "", "", err
	}
	return mongodb.Credential(u), mongodb.Credential(p), nil
}

func read(directory, name string) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(directory, name))
	if err != nil {
		return nil, fmt.Errorf("reading a mounted Secret: %w", err)
	}
	if len(bytes.TrimSpace(content)) == 0 {
		return nil, fmt.Errorf("the mounted Secret has an empty %s", filepath.Join(directory, name))
	}
	return content, nil
}

// joinPEM puts two PEM files into one, each ending its last line.
func joinPEM(parts ...[]byte) []byte {
	var joined []byte
	for _, part := range parts {
		joined = append(append(joined, bytes.TrimSpace(part)...), '\n')
	}
	return joined
}

// replace writes a file unless it already has that content.
func replace(path string, content []byte) error {
	if present, err := os.ReadFile(path); err == nil && bytes.Equal(present, content) {
		return nil
	}
	if err := write(path, bytes.NewReader(content), ownerOnly); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// write puts a whole file in place at once.
func write(path string, content io.Reader, mode os.FileMode) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(temporary, content)
	err = errors.Join(err, temporary.Chmod(mode), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		os.Remove(temporary.Name())
	}
	return err
}
