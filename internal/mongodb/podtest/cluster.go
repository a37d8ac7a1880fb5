package podtest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chatpdf.dev/operator/internal/dbagent"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/trust/trusttest"
)

// Binary names the environment variable with the path of the mongod to start.
const Binary = "MONGOD_BIN"

// clusterDomain of the names that the pods have.
const clusterDomain = "cluster.local"

// lifetime of certificates.
const lifetime = 24 * time.Hour

// Cluster is the namespace that the pods of one deployment run in.
type Cluster struct {
	// Deployment is the name of the ChatPDFDeployment, and of the replica set.
	Deployment string
	// Namespace of it.
	Namespace string
	// CA is the PEM of the authority that signed the members' certificate.
	CA []byte
	// AdminPassword of the user mongodb.AdminUsername, and AgentToken.
	AdminPassword, AgentToken string
	// Refresh is how often agents that are started from now on read what is mounted; 0: as they do by themselves.
	Refresh time.Duration
	// Pods by ordinal.
	Pods []*Pod
	// Dials counts the connections made through Dial.
	Dials atomic.Int64

	binary    string
	dir       string
	secrets   string
	hostsFile string
	authority *trusttest.Authority
}

// New makes a cluster of so many pods, none of which runs yet. It ends with the test. Without
// MONGOD_BIN it skips the test if -short is given and fails it otherwise.
func New(t testing.TB, deployment, namespace string, pods int) *Cluster {
	t.Helper()
	binary := os.Getenv(Binary)
	switch {
	case binary == "" && testing.Short():
		t.Skip("skipped because of -short: needs a mongod in " + Binary)
	case binary == "":
		t.Fatal(Binary + " is not set: set it to the path of a mongod of version 4.4 or later")
	}
	c := &Cluster{
		Deployment: deployment, Namespace: namespace, AdminPassword: rand.Text(), AgentToken: rand.Text(),
		binary: binary, dir: t.TempDir(),
	}
	if err := c.prepare(pods); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, pod := range c.Pods {
			pod.Kill()
		}
	})
	return c
}

// Dial reaches the pod behind a fully qualified name, as a replset.DialFunc.
func (c *Cluster) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	for _, pod := range c.Pods {
		name, _, _ := net.SplitHostPort(pod.Host)
		if host != name {
			continue
		}
		c.Dials.Add(1)
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(pod.address, port))
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// Hosts are the names of the first so many members, with port.
func (c *Cluster) Hosts(members int) []string {
	var hosts []string
	for _, pod := range c.Pods[:members] {
		hosts = append(hosts, pod.Host)
	}
	return hosts
}

// WriteSecret changes one key of what is mounted: of the Secrets admin, token, keyfile and tls, or of metrics and of the record
// fence, which are not there at first.
func (c *Cluster) WriteSecret(name, key, value string) error {
	directory := c.SecretDirectory(name)
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(directory, key), []byte(value), 0o600)
}

// SecretDirectory is where a Secret is mounted.
func (c *Cluster) SecretDirectory(name string) string { return filepath.Join(c.secrets, name) }

// Directories are the agent's, with the mounted Secrets of this cluster.
func (c *Cluster) Directories(run, binary string) dbagent.Directories {
	return dbagent.Directories{
		Keyfile: c.SecretDirectory("keyfile"), TLS: c.SecretDirectory("tls"),
		Fence: c.SecretDirectory("fence"), Admin: c.SecretDirectory("admin"), Token: c.SecretDirectory("token"), Metrics: c.SecretDirectory("metrics"),
		Run: run, Binary: binary,
	}
}

// RenewCertificate replaces the certificate in the mounted Secret by another one of the same authority.
func (c *Cluster) RenewCertificate() error {
	return c.RenewCertificateUntil(c.authority.Certificate.NotAfter)
}

// RenewCertificateUntil makes one that expires then.
func (c *Cluster) RenewCertificateUntil(end time.Time) error {
	start := c.authority.Certificate.NotBefore
	pair, err := c.authority.Sign(start, end.Sub(start), c.names()...)
	if err != nil {
		return err
	}
	return errors.Join(
		c.WriteSecret("tls", "tls.crt", string(pair.Certificate)),
		c.WriteSecret("tls", "tls.key", string(pair.Key)),
	)
}

func (c *Cluster) names() []string {
	service := fmt.Sprintf("%s.%s.svc", mongodb.StatefulSetName(c.Deployment), c.Namespace)
	return []string{"*." + service + "." + clusterDomain, service + "." + clusterDomain, service, "localhost"}
}

// RenewCertificates replaces the certificate and its authority in the mounted Secret.
func (c *Cluster) RenewCertificates() (err error) {
	if c.authority, err = trusttest.NewAuthority("podtest CA", time.Now().Add(-time.Hour), lifetime); err != nil {
		return err
	}
	c.CA = c.authority.PEM()
	return errors.Join(c.WriteSecret("tls", "ca.crt", string(c.CA)), c.RenewCertificate())
}

func (c *Cluster) prepare(pods int) error {
	c.secrets, c.hostsFile = filepath.Join(c.dir, "secrets"), filepath.Join(c.dir, "hosts")
	// The record is mounted where there is none yet, too.
	if err := os.MkdirAll(c.SecretDirectory("fence"), 0o700); err != nil {
		return err
	}
	network, err := freeNetwork(pods)
	if err != nil {
		return err
	}
	hosts := []string{"127.0.0.1 localhost"}
	for ordinal := range pods {
		pod := &Pod{
			Ordinal: ordinal,
			Host:    mongodb.MemberHost(c.Deployment, c.Namespace, clusterDomain, ordinal),
			cluster: c,
			address: network + strconv.Itoa(ordinal+1),
			dir:     filepath.Join(c.dir, mongodb.PodName(c.Deployment, ordinal)),
		}
		pod.renewClaim()
		c.Pods = append(c.Pods, pod)
		name, _, _ := net.SplitHostPort(pod.Host)
		hosts = append(hosts, pod.address+" "+name)
	}
	if err := os.WriteFile(c.hostsFile, []byte(strings.Join(hosts, "\n")+"\n"), 0o644); err != nil {
		return err
	}
	return c.writeSecrets()
}

func (c *Cluster) writeSecrets() error {
	key := make([]byte, 756)
	rand.Read(key)
	for _, secret := range [][3]string{
		{"admin", "username", mongodb.AdminUsername},
		{"admin", "password", c.AdminPassword},
		{"token", "token", c.AgentToken},
		{"keyfile", "keyfile", base64.StdEncoding.EncodeToString(key)},
	} {
		if err := c.WriteSecret(secret[0], secret[1], secret[2]); err != nil {
			return err
		}
	}
	return c.RenewCertificates()
}

// freeNetwork finds "127.x.y." of which nobody uses the first addresses.
func freeNetwork(pods int) (string, error) {
	for range 20 {
		network := fmt.Sprintf("127.%d.%d.", 1+mathrand.IntN(254), mathrand.IntN(255)) //nolint:gosec // any network will do
		if free(network, pods) {
			return network, nil
		}
	}
	return "", fmt.Errorf("no free loopback network for %d pods", pods)
}

func free(network string, pods int) bool {
	for ordinal := range pods {
		listener, err := net.Listen("tcp", network+strconv.Itoa(ordinal+1)+":"+strconv.Itoa(mongodb.Port)) //nolint:noctx // it is closed at once
		if err != nil {
			return false
		}
		listener.Close()
	}
	return true
}
