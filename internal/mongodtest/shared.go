package mongodtest

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

// Main is the body of a TestMain: it runs the tests of a package with one replica set for all, which
// it puts into *rs, and returns the exit code. Tests ask DatabaseURI for a database of their own.
func Main(m *testing.M, o Options, rs **ReplicaSet) int {
	flag.Parse()
	if os.Getenv(Binary) == "" && testing.Short() {
		return m.Run() // with *rs nil, so that the tests that need it skip
	}
	dir, err := os.MkdirTemp("", "mongodtest-")
	if err == nil {
		defer os.RemoveAll(dir)
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		*rs, err = Launch(ctx, dir, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer (*rs).Close()
	return m.Run()
}

// DatabaseURI is a connection string to a database that nobody else uses. It goes when the replica set
// goes: dropping it would wait for transactions of processes that a test has killed. Where Main was not
// given a mongod, it skips the test.
func (rs *ReplicaSet) DatabaseURI(t testing.TB) string {
	t.Helper()
	if rs == nil {
		t.Skip("skipped because of -short: needs a mongod in " + Binary)
	}
	return rs.URIFor(rs.Username, rs.Password, "test-"+strings.ToLower(rand.Text()[:12]))
}
