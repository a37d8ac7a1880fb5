package apply

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"chatpdf.dev/operator/internal/stack"
)

func TestAConnectionStringGivesBackWhatItWasMadeOf(t *testing.T) {
	r := stack.DatabaseLogin{Username: "chatpdf-app", Host: "docs-mongodb.ns.svc.cluster.local:27017", Database: "chatpdf", ReplicaSet: "docs"}
	for _, password := range []string{"plain", "with space", "a+b", "p@ss:w/rd?#[]%", "%2F", "ünï", `"'\`} {
		data, err := connection(r, password)
		if err != nil {
			t.Fatal(err)
		}
		parsed := options.Client().ApplyURI(string(data[stack.KeyURI]))
		if err := parsed.Validate(); err != nil {
			t.Errorf("%q: %v", password, err)
			continue
		}
		if parsed.Auth.Username != r.Username || parsed.Auth.Password != password || parsed.Auth.AuthSource != "admin" {
			t.Errorf("%q became user %q with password %q", password, parsed.Auth.Username, parsed.Auth.Password)
		}
		if len(parsed.Hosts) != 1 || parsed.Hosts[0] != r.Host || *parsed.ReplicaSet != r.ReplicaSet || parsed.TLSConfig == nil {
			t.Errorf("%q: hosts %v of set %s", password, parsed.Hosts, *parsed.ReplicaSet)
		}
		if string(data[stack.KeyHost])+":"+string(data[stack.KeyPort]) != r.Host || string(data[stack.KeyPassword]) != password {
			t.Errorf("%q: the parts are %q", password, data)
		}
	}
	if _, err := connection(stack.DatabaseLogin{Host: "no port"}, "x"); err == nil {
		t.Error("a host without a port is taken")
	}
}
