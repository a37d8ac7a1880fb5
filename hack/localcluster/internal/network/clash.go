package network

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"

	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

// Route is a route of the host.
type Route struct {
	To   netip.Prefix
	Link string
}

// HostRoutes lists the IPv4 routes of this namespace except the default ones.
func HostRoutes() ([]Route, error) {
	found, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("listing the host's routes: %w", err)
	}
	var routes []Route
	for _, r := range found {
		if r.Dst == nil {
			continue
		}
		addr, ok := netip.AddrFromSlice(r.Dst.IP.To4())
		if bits, _ := r.Dst.Mask.Size(); ok && bits > 0 {
			name := ""
			if link, err := netlink.LinkByIndex(r.LinkIndex); err == nil {
				name = link.Attrs().Name
			}
			routes = append(routes, Route{netip.PrefixFrom(addr, bits), name})
		}
	}
	return routes, nil
}

// Clash says which of the cluster's ranges is in use on the host already, and
// by what. The cluster's own routes do not count.
func Clash(s spec.Spec, routes []Route) error {
	ranges := []struct {
		flag string
		of   netip.Prefix
	}{{"--subnet", s.Subnet}, {"--pod-cidr", s.PodCIDR}, {"--service-cidr", s.ServiceCIDR}}
	for _, r := range routes {
		if r.Link == s.HostLink() {
			continue
		}
		for _, own := range ranges {
			if r.To.Overlaps(own.of) {
				return fmt.Errorf("%s %s overlaps the host's route to %s (link %s): choose another range with %s", own.flag, own.of, r.To, r.Link, own.flag)
			}
		}
	}
	return nil
}
