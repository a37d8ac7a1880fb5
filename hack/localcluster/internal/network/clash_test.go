package network

import (
	"net/netip"
	"strings"
	"testing"

	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

func TestARangeInUseOnTheHostIsNamedWithItsFlag(t *testing.T) {
	s := spec.Spec{
		Name:        "chatpdf",
		Subnet:      netip.MustParsePrefix("10.200.0.0/24"),
		PodCIDR:     netip.MustParsePrefix("10.244.0.0/16"),
		ServiceCIDR: netip.MustParsePrefix("10.96.0.0/16"),
	}
	for name, test := range map[string]struct{ to, link, want string }{
		"elsewhere":             {"192.0.2.0/24", "eth0", ""},
		"the subnet":            {"10.200.0.0/24", "eth0", "--subnet"},
		"within the pods":       {"10.244.7.0/24", "flannel.1", "--pod-cidr"},
		"around all":            {"10.0.0.0/8", "tun0", "--subnet"},
		"one service":           {"10.96.0.10/32", "dummy0", "--service-cidr"},
		"the cluster's own":     {"10.244.0.0/16", "cpf-chatpdf", ""},
		"another cluster's own": {"10.244.0.0/16", "cpf-other", "--pod-cidr"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Clash(s, []Route{{netip.MustParsePrefix(test.to), test.link}})
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.link)):
				t.Errorf("got %v, which does not name %s and %s", err, test.want, test.link)
			}
		})
	}
}

func TestHostRoutesLeaveOutTheDefaultRoute(t *testing.T) {
	routes, err := HostRoutes()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range routes {
		if r.To.Bits() == 0 {
			t.Errorf("the default route would clash with everything: %v", r)
		}
	}
}
