// Package forward passes TCP connections from an address of the host on to a
// Service. The Service is looked up for every connection (with a short
// memory), so that it may be deleted and made again meanwhile.
package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"
)

const (
	// maxConnections bounds what one publication carries at a time; more wait
	// in the kernel's queue.
	maxConnections = 512
	dialTimeout    = 5 * time.Second
)

// Run accepts connections until ctx is done.
func Run(ctx context.Context, listener net.Listener, resolver *Resolver, log *slog.Logger) error {
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	free := make(chan struct{}, maxConnections)
	for {
		free <- struct{}{}
		client, err := listener.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accepting connections: %w", err)
		}
		go func() {
			defer func() { <-free }()
			if err := pass(ctx, client, resolver); err != nil {
				log.Warn("connection failed", "from", client.RemoteAddr().String(), "error", err)
			}
		}()
	}
}

func pass(ctx context.Context, client net.Conn, resolver *Resolver) error {
	defer client.Close()
	address, err := resolver.Address(ctx)
	if err != nil {
		return err
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	server, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("reaching the Service: %w", err)
	}
	defer server.Close()
	stop := context.AfterFunc(ctx, func() { client.Close(); server.Close() })
	defer stop()
	var both sync.WaitGroup
	both.Go(func() { copyThenClose(server, client) })
	both.Go(func() { copyThenClose(client, server) })
	both.Wait()
	return nil
}

// copyThenClose passes one direction on, and its end as an end: a client may
// have finished its request and still wait for the answer. A broken connection
// ends both directions.
func copyThenClose(to, from net.Conn) {
	if _, err := io.Copy(to, from); err != nil && !errors.Is(err, net.ErrClosed) {
		to.Close()
		from.Close()
		return
	}
	if half, can := to.(*net.TCPConn); can {
		// The other end may have gone meanwhile; then there is nothing left to close.
		_ = half.CloseWrite()
	}
}
