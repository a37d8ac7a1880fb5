package cluster

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"chatpdf.dev/operator/hack/localcluster/internal/console"
	"chatpdf.dev/operator/hack/localcluster/internal/forward"
	"chatpdf.dev/operator/hack/localcluster/internal/network"
	"chatpdf.dev/operator/hack/localcluster/internal/proc"
	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

// Relay is a server outside of the cluster that pods reach.
type Relay struct {
	Server forward.Outside `json:"server"`
	// Address is the host's address in the subnet that stands for the server.
	Address netip.Addr    `json:"address"`
	Process proc.Identity `json:"process"`
}

// reached is what pods connect to: the server's own name, so that its
// certificate fits, or else the address that stands for it.
func (r Relay) reached() string {
	host := r.Server.Name
	if host == "" {
		host = r.Address.String()
	}
	return net.JoinHostPort(host, strconv.Itoa(int(r.Server.Port)))
}

// Relay lets pods reach one server outside of the cluster, until down, and
// returns the host and port that they reach it by. Asking for the same again
// keeps what is there.
func (c Cluster) Relay(ctx context.Context, target string) (string, error) {
	server, err := forward.ParseOutside(target)
	if err != nil {
		return "", err
	}
	lock, err := c.lock(ctx)
	if err != nil {
		return "", err
	}
	defer c.unlock(lock)
	s, r, err := c.running()
	if err != nil {
		return "", err
	}
	return c.relay(ctx, s, &r, server)
}

func (c Cluster) relay(ctx context.Context, s spec.Spec, r *record, server forward.Outside) (string, error) {
	at := slices.IndexFunc(r.Relays, func(known Relay) bool { return known.Server == server })
	runs := at >= 0 && r.Relays[at].Process.Running()
	if at >= 0 && !runs {
		r.Relays = slices.Delete(r.Relays, at, at+1)
	}
	var relay Relay
	var err error
	if runs {
		relay = r.Relays[at]
	} else if relay, err = newRelay(s, server, r.Relays); err != nil {
		return "", err
	}
	err = c.Console.Step("relay to "+server.String(), func(shown *console.Step) error {
		if !runs {
			if err := c.startRelay(ctx, s, r, relay); err != nil {
				return err
			}
		}
		if server.Name == "" {
			return nil
		}
		// Again too: the call before may have been cut short.
		return teachNames(ctx, s, namesOf(r.Relays), shown)
	})
	return relay.reached(), err
}

// teachNames has CoreDNS answer those names, and waits until it does.
func teachNames(ctx context.Context, s spec.Spec, known names, shown *console.Step) error {
	w, err := newWaiter(s)
	if err != nil {
		return err
	}
	if err := apply(ctx, s, known, "coredns.yaml"); err != nil {
		return err
	}
	return w.until(w.dns)(ctx, shown)
}

// newRelay gives the server an address that no other one has. Ports of one
// name share the name's address.
func newRelay(s spec.Spec, server forward.Outside, known []Relay) (Relay, error) {
	if same := slices.IndexFunc(known, func(r Relay) bool { return server.Name != "" && r.Server.Name == server.Name }); same >= 0 {
		return Relay{Server: server, Address: known[same].Address}, nil
	}
	for i := range spec.MaxRelays {
		address := s.Relay(i)
		if !slices.ContainsFunc(known, func(r Relay) bool { return r.Address == address }) {
			return Relay{Server: server, Address: address}, nil
		}
	}
	return Relay{}, fmt.Errorf("%d servers are relayed already, which is the most: take the cluster down and up again to begin anew", spec.MaxRelays)
}

func (c Cluster) startRelay(ctx context.Context, s spec.Spec, r *record, relay Relay) error {
	listener, err := network.ListenForCluster(ctx, s, netip.AddrPortFrom(relay.Address, relay.Server.Port))
	if err != nil {
		return err
	}
	defer listener.Close()
	return c.startForwarder(s, listener, "relay-"+relay.Server.String(), func(identity proc.Identity) error {
		relay.Process = identity
		r.Relays = append(r.Relays, relay)
		return c.save(*r)
	}, "relay", s.Dir, relay.Server.String())
}

// names are what CoreDNS answers besides the cluster's own names.
type names map[string]netip.Addr

func namesOf(relays []Relay) names {
	known := names{}
	for _, r := range relays {
		if r.Server.Name != "" {
			known[r.Server.Name] = r.Address
		}
	}
	return known
}
