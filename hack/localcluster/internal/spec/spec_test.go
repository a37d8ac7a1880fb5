package spec

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func valid() Spec {
	return Spec{
		Name: "chatpdf", Nodes: 2,
		Subnet:      netip.MustParsePrefix("10.200.0.0/24"),
		PodCIDR:     netip.MustParsePrefix("10.244.0.0/16"),
		ServiceCIDR: netip.MustParsePrefix("10.96.0.0/16"),
		Dir:         "/state/clusters/chatpdf",
	}
}

func TestSpecSaysWhichFlagIsWrong(t *testing.T) {
	prefix := netip.MustParsePrefix
	for name, test := range map[string]struct {
		change func(*Spec)
		want   string
	}{
		"as it is":             {func(*Spec) {}, ""},
		"name too long":        {func(s *Spec) { s.Name = "abcdefghijkl" }, "--name"},
		"name with a slash":    {func(s *Spec) { s.Name = "../etc" }, "--name"},
		"empty name":           {func(s *Spec) { s.Name = "" }, "--name"},
		"no node":              {func(s *Spec) { s.Nodes = 0 }, "--nodes"},
		"too many nodes":       {func(s *Spec) { s.Nodes = MaxNodes + 1 }, "--nodes"},
		"no subnet":            {func(s *Spec) { s.Subnet = netip.Prefix{} }, "--subnet"},
		"IPv6 subnet":          {func(s *Spec) { s.Subnet = prefix("fd00::/64") }, "--subnet"},
		"subnet too narrow":    {func(s *Spec) { s.Subnet = prefix("10.200.0.0/28") }, "--subnet"},
		"pod range too narrow": {func(s *Spec) { s.PodCIDR = prefix("10.244.0.0/24") }, "--pod-cidr"},
		"not the first one":    {func(s *Spec) { s.ServiceCIDR = prefix("10.96.0.7/16") }, "10.96.0.0/16"},
		"overlap":              {func(s *Spec) { s.Subnet = prefix("10.244.3.0/24") }, "overlap"},
	} {
		t.Run(name, func(t *testing.T) {
			s := valid()
			test.change(&s)
			err := s.Validate()
			if test.want == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, which does not name %s", err, test.want)
			}
		})
	}
}

func TestEveryAddressIsInItsRangeAndTheirOwn(t *testing.T) {
	for _, subnet := range []string{"10.200.0.0/24", "192.168.8.64/26", "172.20.0.0/16"} {
		s := valid()
		s.Nodes, s.Subnet = MaxNodes, netip.MustParsePrefix(subnet)
		s.PodCIDR = netip.MustParsePrefix("10.64.0.0/19") // the narrowest that is allowed
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		taken := map[netip.Addr]string{s.Host(): "host"}
		addresses := map[string]netip.Addr{"box": s.Box()}
		for i := 1; i <= MaxNodes; i++ {
			addresses[NodeName(i)] = s.Node(i)
			if pods := s.Pods(i); !s.PodCIDR.Contains(pods.Addr()) || pods != pods.Masked() {
				t.Errorf("the pods of node %d in %s are not in %s", i, pods, s.PodCIDR)
			}
		}
		for i := range MaxRelays {
			addresses[fmt.Sprintf("relay %d", i)] = s.Relay(i)
		}
		for name, address := range addresses {
			if !s.Subnet.Contains(address) || taken[address] != "" {
				t.Errorf("%s: %s has %s, which is outside or that of %q", subnet, name, address, taken[address])
			}
			taken[address] = name
		}
		if !s.Subnet.Contains(s.Host()) {
			t.Errorf("the host's %s is not in %s", s.Host(), subnet)
		}
	}
}

func TestSpecIsReadAsItWasWritten(t *testing.T) {
	s := valid()
	s.Dir = t.TempDir()
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	if got, err := Load(s.Dir); err != nil || got != s {
		t.Errorf("read %+v (%v), wrote %+v", got, err, s)
	}
}
