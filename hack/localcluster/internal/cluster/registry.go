package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"syscall"

	"chatpdf.dev/operator/hack/localcluster/internal/forward"
	"chatpdf.dev/operator/hack/localcluster/internal/invoker"
	"chatpdf.dev/operator/hack/localcluster/internal/proc"
	"chatpdf.dev/operator/hack/localcluster/internal/registry"
	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

// Registry is an image registry on the host that the nodes pull from.
type Registry struct {
	Address string        `json:"address"`
	Process proc.Identity `json:"process"`
}

// Registry runs an image registry on a loopback address of the host until down,
// from which the nodes pull what was pushed there, under the same name. The
// same again keeps what is there; a cluster has one at the most.
func (c Cluster) Registry(ctx context.Context, address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !at.Addr().IsLoopback() || !at.Addr().Is4() || at.Port() == 0 {
		return fmt.Errorf("--address %q must be a loopback address and a port such as 127.0.0.1:5000: builders push there without TLS", address)
	}
	lock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer c.unlock(lock)
	s, r, err := c.running()
	if err != nil {
		return err
	}
	known := r.Registry
	switch runs := known != nil && known.Process.Running(); {
	case runs && known.Address != address:
		return fmt.Errorf("the registry of the cluster %s listens on %s already", c.Name, known.Address)
	case !runs:
		if err := c.startRegistry(ctx, s, &r, address); err != nil {
			return err
		}
	}
	// Again too: the call before may have been cut short.
	reached, err := c.relay(ctx, s, &r, forward.Outside{Host: at.Addr().String(), Port: at.Port()})
	if err != nil {
		return err
	}
	for i := 1; i <= s.Nodes; i++ {
		if err := registry.Mirror(s.Registries(i), address, reached); err != nil {
			return err
		}
	}
	c.Console.Say("push to %s and pull from there: images of that name come from this machine", address)
	return nil
}

func (c Cluster) startRegistry(ctx context.Context, s spec.Spec, r *record, address string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use: choose another --address, or end what listens there", address)
	}
	if err != nil {
		return fmt.Errorf("listening on %s: %w", address, err)
	}
	defer listener.Close()
	who, err := invoker.Current()
	if err != nil {
		return err
	}
	blobs := filepath.Join(s.Dir, "registry")
	if err := who.MakeDirectory(blobs); err != nil {
		return err
	}
	return c.startForwarder(s, listener.(*net.TCPListener), "registry", func(identity proc.Identity) error {
		r.Registry = &Registry{Address: address, Process: identity}
		return c.save(*r)
	}, "registry", s.Dir)
}
