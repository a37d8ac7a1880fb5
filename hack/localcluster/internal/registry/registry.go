// Package registry is an image registry for one cluster: build tools on the
// host push to it, and the cluster's nodes pull from it under the same name.
package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// Serve answers the distribution protocol, with blobs below dir, until ctx is
// done. Manifests live in memory: the registry lasts no longer than its process.
func Serve(ctx context.Context, listener net.Listener, dir string, logger *slog.Logger) error {
	server := &http.Server{
		Handler:           registry.New(registry.WithBlobHandler(registry.NewDiskBlobHandler(dir)), registry.Logger(log.New(io.Discard, "", 0))),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the registry: %w", err)
	}
	return nil
}

// Mirror tells a containerd whose registries are configured in dir that images
// named after address are had at reached, over plain HTTP. containerd reads it
// at every pull.
func Mirror(dir, address, reached string) error {
	file := filepath.Join(dir, address, "hosts.toml")
	content := fmt.Sprintf("server = %q\n\n[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n", "http://"+address, "http://"+reached)
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if err == nil {
		err = os.WriteFile(file, []byte(content), 0o644)
	}
	if err != nil {
		return fmt.Errorf("telling a node of the registry %s: %w", address, err)
	}
	return nil
}
