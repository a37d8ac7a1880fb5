// Package mongodtest starts real mongod processes for tests: a replica set of one or more members
// on loopback addresses and random ports, with keyfile, users and TLS if asked for, gone when the
// test ends.
//
// What holds here:
//
//   - Nothing outlives the test: directories are the test's own, and a member dies with the test
//     process even if that is killed.
//   - A test without mongod fails and says how to get one; only `go test -short` skips it.
package mongodtest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Binary names the environment variable with the path of the mongod to start.
const Binary = "MONGOD_BIN"

// startTimeout bounds every wait for a replica set to come up; loaded two-core machines need most of a minute.
const startTimeout = 2 * time.Minute

// Options says what kind of replica set a test needs. The zero value is one member without
// authentication or TLS, initiated and writable.
type Options struct {
	Members     int      // 0 means 1
	Name        string   // of the replica set; empty means "rs0"
	Auth        bool     // keyfile, and a user with the role root
	TLS         bool     // requireTLS with a CA made for this set
	DNSNames    []string // further names in the members' certificate, beside localhost and 127.0.0.1
	Parameters  []string // of every mongod, as name=value
	Uninitiated bool     // leave replSetInitiate and the first user to the test
	Standalone  bool     // one mongod that is no replica set, without Auth
}

// ReplicaSet is a running replica set.
type ReplicaSet struct {
	Name     string
	URI      string // all members, credentials and CA included; without database
	Members  []*Member
	Username string // empty without Auth
	Password string
	CAFile   string // PEM; empty without TLS
	KeyFile  string // empty without Auth
}

// Start starts a replica set that ends with the test. Without MONGOD_BIN it skips the test if
// -short is given and fails it otherwise.
func Start(t testing.TB, o Options) *ReplicaSet {
	t.Helper()
	if os.Getenv(Binary) == "" && testing.Short() {
		t.Skip("skipped because of -short: needs a mongod in " + Binary)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	rs, err := Launch(ctx, t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rs.Close)
	return rs
}

// Launch is Start for a TestMain, which has no test yet. The members keep their files in dir; the
// caller calls Close, and removes dir.
func Launch(ctx context.Context, dir string, o Options) (rs *ReplicaSet, err error) {
	binary := os.Getenv(Binary)
	if binary == "" {
		return nil, errors.New(Binary + " is not set: set it to the path of a mongod of version 4.4 or later, " +
			"for example to bin/mongod in the directory that `go run -C hack/localcluster . mongod` prints")
	}
	rs = &ReplicaSet{Name: o.Name}
	switch {
	case o.Standalone:
		rs.Name, o.Uninitiated = "", true
	case rs.Name == "":
		rs.Name = "rs0"
	}
	defer func() {
		if err != nil {
			rs.Close()
		}
	}()
	args, err := rs.secure(dir, o)
	if err != nil {
		return nil, err
	}
	for i := range max(o.Members, 1) {
		m := &Member{binary: binary, dir: filepath.Join(dir, fmt.Sprintf("member-%d", i)), args: args}
		rs.Members = append(rs.Members, m)
		if err := m.start(ctx); err != nil {
			return nil, err
		}
	}
	rs.URI = rs.URIFor(rs.Username, rs.Password, "")
	if o.Uninitiated {
		return rs, nil
	}
	err = rs.initiate(ctx)
	return rs, err
}

// Close ends all members without giving them time for anything.
func (rs *ReplicaSet) Close() {
	for _, m := range rs.Members {
		m.Kill()
	}
}

// URIFor is a connection string to all members for one user and database, with the set's CA; the
// database may be empty, and so may the user. Users are looked up in the database admin.
func (rs *ReplicaSet) URIFor(user, password, database string) string {
	hosts := make([]string, len(rs.Members))
	for i, m := range rs.Members {
		hosts[i] = m.Address
	}
	query := url.Values{}
	if rs.Name != "" {
		query.Set("replicaSet", rs.Name)
	}
	uri := url.URL{Scheme: "mongodb", Host: strings.Join(hosts, ","), Path: "/" + database}
	if user != "" {
		uri.User = url.UserPassword(user, password)
		query.Set("authSource", "admin")
	}
	if rs.CAFile != "" {
		query.Set("tls", "true")
		query.Set("tlsCAFile", rs.CAFile)
	}
	uri.RawQuery = query.Encode()
	return uri.String()
}

// secure makes what Auth and TLS need in dir and returns the members' arguments.
func (rs *ReplicaSet) secure(dir string, o Options) ([]string, error) {
	args := []string{"--bind_ip", "127.0.0.1", "--nounixsocket",
		"--wiredTigerCacheSizeGB", "0.25", "--setParameter", "diagnosticDataCollectionEnabled=false"}
	if rs.Name != "" {
		args = append(args, "--replSet", rs.Name)
	}
	for _, parameter := range o.Parameters {
		args = append(args, "--setParameter", parameter)
	}
	if o.Auth {
		key := make([]byte, 756)
		if _, err := rand.Read(key); err != nil {
			return nil, fmt.Errorf("making a keyfile: %w", err)
		}
		rs.KeyFile = filepath.Join(dir, "keyfile")
		if err := os.WriteFile(rs.KeyFile, []byte(base64.StdEncoding.EncodeToString(key)), 0o400); err != nil {
			return nil, fmt.Errorf("writing the keyfile: %w", err)
		}
		args = append(args, "--auth", "--keyFile", rs.KeyFile)
		rs.Username, rs.Password = "root", rand.Text()
	}
	if o.TLS {
		pem, err := writeCertificates(dir, o.DNSNames)
		if err != nil {
			return nil, err
		}
		rs.CAFile = filepath.Join(dir, "ca.crt")
		args = append(args, "--tlsMode", "requireTLS", "--tlsCertificateKeyFile", pem,
			"--tlsCAFile", rs.CAFile, "--tlsAllowConnectionsWithoutCertificates")
	}
	return args, nil
}
