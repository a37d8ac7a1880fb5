// Package network joins the namespaces of a cluster: one link between the host
// and the box, a bridge in the box, one link from the bridge to each node, and
// the routes between them. Nothing is routed out of the machine.
package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

const (
	bridge   = "br0"
	nodeLink = "eth0"
)

// Host gives the host its end of the link to the box whose first process is
// pid, and routes to the cluster's pods and services through it.
func Host(s spec.Spec, pid int) error {
	if err := connect(s.HostLink(), s.BoxLink(), pid, s.HostLink()); err != nil {
		return fmt.Errorf("linking the host to the cluster: %w", err)
	}
	link, err := up(s.HostLink(), netip.PrefixFrom(s.Host(), s.Subnet.Bits()))
	if err != nil {
		return fmt.Errorf("setting up the host's link to the cluster: %w", err)
	}
	for _, to := range []netip.Prefix{s.PodCIDR, s.ServiceCIDR} {
		if err := route(link, to, s.Box()); err != nil {
			return fmt.Errorf("routing %s to the cluster: %w", to, err)
		}
	}
	return nil
}

// RemoveHost removes the host's end, and with it the other end and the routes.
// That it is not there is not an error.
func RemoveHost(s spec.Spec) error {
	err := remove(s.HostLink())
	if err != nil {
		return fmt.Errorf("removing the host's link to the cluster: %w", err)
	}
	return nil
}

// Box sets up the box's namespace from inside, once the host has linked it.
func Box(s spec.Spec) error {
	br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: bridge}}
	if err := netlink.LinkAdd(br); err != nil {
		return fmt.Errorf("making the cluster's bridge: %w", err)
	}
	if err := enslave(s.BoxLink()); err != nil {
		return err
	}
	link, err := up(bridge, netip.PrefixFrom(s.Box(), s.Subnet.Bits()))
	if err != nil {
		return fmt.Errorf("setting up the cluster's bridge: %w", err)
	}
	// kube-proxy runs on the nodes alone: node 1 translates for everybody else.
	errs := []error{loopback(), forward(), route(link, s.ServiceCIDR, s.Node(1)), unreachable()}
	for i := 1; i <= s.Nodes; i++ {
		errs = append(errs, route(link, s.Pods(i), s.Node(i)))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("setting up the cluster's network: %w", err)
	}
	return nil
}

// AttachNode links node i, whose first process is pid, to the box's bridge.
func AttachNode(i, pid int) error {
	name := spec.NodeName(i)
	if err := connect(name, nodeLink, pid, name); err != nil {
		return fmt.Errorf("linking %s: %w", name, err)
	}
	return enslave(name)
}

// Node sets up the namespace of node i from inside, once it is attached.
func Node(s spec.Spec, i int) error {
	link, err := up(nodeLink, netip.PrefixFrom(s.Node(i), s.Subnet.Bits()))
	if err != nil {
		return fmt.Errorf("setting up the link of %s: %w", spec.NodeName(i), err)
	}
	// kube-proxy rewrites a packet's destination only after the kernel found
	// some route for it, so there has to be a default route. It ends in the
	// box, which refuses what is not the cluster's.
	errs := []error{loopback(), forward(), route(link, netip.MustParsePrefix("0.0.0.0/0"), s.Box())}
	for j := 1; j <= s.Nodes; j++ {
		if j != i {
			errs = append(errs, route(link, s.Pods(j), s.Node(j)))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("setting up the network of %s: %w", spec.NodeName(i), err)
	}
	return nil
}

// connect makes a pair of links, one end here and one in the namespace of pid.
// An end of that name left over from an earlier start is replaced.
func connect(here, there string, pid int, stale string) error {
	if err := remove(stale); err != nil {
		return err
	}
	pair := &netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: here},
		PeerName:      there,
		PeerNamespace: netlink.NsPid(pid),
	}
	return netlink.LinkAdd(pair)
}

func remove(name string) error {
	link, err := netlink.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err == nil {
		err = netlink.LinkDel(link)
	}
	if errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}

func enslave(name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("finding the link %s: %w", name, err)
	}
	br, err := netlink.LinkByName(bridge)
	if err != nil {
		return fmt.Errorf("finding the cluster's bridge: %w", err)
	}
	if err := errors.Join(netlink.LinkSetMaster(link, br), netlink.LinkSetUp(link)); err != nil {
		return fmt.Errorf("adding %s to the cluster's bridge: %w", name, err)
	}
	return nil
}

func up(name string, address netip.Prefix) (netlink.Link, error) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return nil, err
	}
	if err := netlink.AddrReplace(link, &netlink.Addr{IPNet: ipNet(address)}); err != nil {
		return nil, err
	}
	return link, netlink.LinkSetUp(link)
}

func loopback() error {
	link, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(link)
}

func route(link netlink.Link, to netip.Prefix, via netip.Addr) error {
	return netlink.RouteReplace(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(to), Gw: net.IP(via.AsSlice())})
}

// unreachable answers everything that is not the cluster's at once, where a
// missing route on the host would let it run into a time-out.
func unreachable() error {
	return netlink.RouteReplace(&netlink.Route{Dst: ipNet(netip.MustParsePrefix("0.0.0.0/0")), Type: unix.RTN_UNREACHABLE})
}

// forward lets the namespace pass packets on. Redirects are off because host,
// box and nodes share one link, and each would be told to bypass the box.
func forward() error {
	return errors.Join(
		os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0),
		os.WriteFile("/proc/sys/net/ipv4/conf/all/send_redirects", []byte("0"), 0),
		os.WriteFile("/proc/sys/net/ipv4/conf/default/send_redirects", []byte("0"), 0),
	)
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: net.IP(p.Addr().AsSlice()), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
