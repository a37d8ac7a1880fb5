package dbagent

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	// refreshPeriod is how often the mounted Secrets are read again. The kubelet itself takes about
	// a minute to bring a change.
	refreshPeriod = 10 * time.Second
	// shutdownTimeout is how long requests may finish; mongod is gone by then.
	shutdownTimeout = 5 * time.Second
)

// Options is what Serve needs to know.
type Options struct {
	// Self is who this member is.
	Self Self
	// Directories to read and write.
	Directories Directories
	// MongoDAddress of the mongod of this pod, on loopback.
	MongoDAddress string
	// Refresh is how often the mounted Secrets are read again; 0: every 10 seconds.
	Refresh time.Duration
	// Listener takes the HTTPS connections.
	Listener net.Listener
}

// Serve prepares the files, then answers until ctx ends.
func Serve(ctx context.Context, log *slog.Logger, o Options) error {
	files, err := NewFiles(o.Directories)
	if err != nil {
		return err
	}
	pod, _, _ := strings.Cut(o.Self.MemberHost, ".")
	if err := files.fence(pod); err != nil {
		return err
	}
	if err := CopyBinary(o.Directories.Binary); err != nil {
		return err
	}
	member := NewMember(o.MongoDAddress, files)
	defer member.Close()
	metrics := NewMetrics(log, o.Self.ReplicaSet, o.MongoDAddress, files)
	defer metrics.Close()
	certificates := &rotator{log: log, address: o.MongoDAddress, files: files}
	server := &http.Server{
		Handler:           newHandler(log, o.Self, o.MongoDAddress, files, member, metrics, certificates),
		TLSConfig:         &tls.Config{GetCertificate: files.Certificate, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      bootstrapTimeout + 10*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.ServeTLS(o.Listener, "", "") }()
	log.Info("The files for mongod are written", "directory", o.Directories.Run)

	ticker := time.NewTicker(cmp.Or(o.Refresh, refreshPeriod))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return shutDown(ctx, server)
		case err := <-failed:
			if errors.Is(err, http.ErrServerClosed) {
				return nil
			}
			return fmt.Errorf("serving HTTPS: %w", err)
		case <-ticker.C:
			if err := files.Refresh(); err != nil {
				log.Error("A mounted Secret changed to something that is no good; what was written before stays", "error", err)
			}
			if err := files.fence(pod); err != nil {
				log.Error("Whether mongod may run stays as it was", "error", err)
			}
			certificates.follow(ctx)
		}
	}
}

// shutDown gives requests that still run a deadline of their own.
func shutDown(ended context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ended), shutdownTimeout)
	defer cancel()
	return server.Shutdown(ctx)
}
