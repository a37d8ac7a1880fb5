package auth

import (
	"os"
	"testing"

	"chatpdf.dev/operator/internal/mongodtest"
)

// replicaSet is shared by the tests of this package; each has a database of its own.
var replicaSet *mongodtest.ReplicaSet

func TestMain(m *testing.M) { os.Exit(mongodtest.Main(m, mongodtest.Options{}, &replicaSet)) }
