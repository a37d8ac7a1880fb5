package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"

	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

// ListenForCluster gives the host's end of the link an address more and listens
// there for the cluster alone: what comes by another link is not accepted, so
// nobody else on the host's networks can send through it.
func ListenForCluster(ctx context.Context, s spec.Spec, address netip.AddrPort) (*net.TCPListener, error) {
	if _, err := up(s.HostLink(), netip.PrefixFrom(address.Addr(), address.Addr().BitLen())); err != nil {
		return nil, fmt.Errorf("giving the host the address %s: %w", address.Addr(), err)
	}
	config := net.ListenConfig{Control: func(_, _ string, connection syscall.RawConn) error {
		var bound error
		err := connection.Control(func(fd uintptr) { bound = unix.BindToDevice(int(fd), s.HostLink()) })
		return errors.Join(err, bound)
	}}
	listener, err := config.Listen(ctx, "tcp4", address.String())
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", address, err)
	}
	tcp, is := listener.(*net.TCPListener)
	if !is {
		return nil, errors.Join(fmt.Errorf("listening on %s gave a %T", address, listener), listener.Close())
	}
	return tcp, nil
}
