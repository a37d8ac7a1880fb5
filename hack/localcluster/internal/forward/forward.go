// Package forward passes TCP connections from an address of the host on: to a
// Service of the cluster, or to a server outside of it. Where to is asked for
// every connection, so that a Service may be deleted and made again meanwhile
// and a server may move.
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
	// maxConnections bounds what one forwarder carries at a time; more wait
	// in the kernel's queue.
	maxConnections = 512
	dialTimeout    = 5 * time.Second
)

// To answers the address and port that a connection is passed on to.
type To func(context.Context) (string, error)

// Run accepts connections until ctx is done.
func Run(ctx context.Context, listener net.Listener, to To, log *slog.Logger) error {
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
			if err := pass(ctx, client, to); err != nil {
				log.Warn("connection failed", "from", client.RemoteAddr().String(), "error", err)
			}
		}()
	}
}

func pass(ctx context.Context, client net.Conn, to To) error {
	defer client.Close()
	address, err := to(ctx)
	if err != nil {
		return err
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	server, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("reaching %s: %w", address, err)
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
