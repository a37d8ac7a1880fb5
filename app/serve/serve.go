// Package serve is what the HTTP servers of both roles have in common: listening and ending in good
// order, requests that are counted, logged and survive panics, and deadlines for streams.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// How a server ends: for lameDuck it still takes requests, because those who send them learn of the
// end a little later than we do; streams that last are cut off after drain, and after a moment more
// everything is.
const (
	lameDuck = 2 * time.Second
	drain    = 18 * time.Second
	cut      = 3 * time.Second
)

// Server is one role's servers.
type Server struct {
	Address        string // of the main port
	MetricsAddress string
	Handler        http.Handler
	Registry       *prometheus.Registry
	Profiles       bool   // serve /debug/pprof beside /metrics
	Stopping       func() // called first when the end begins
	Log            *slog.Logger
}

// Run serves until ctx ends and then finishes what was begun, within 23 seconds.
func (s *Server) Run(ctx context.Context) error {
	mainListener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Address)
	if err != nil {
		return fmt.Errorf("listening on LISTEN_ADDRESS: %w", err)
	}
	metricsListener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.MetricsAddress)
	if err != nil {
		mainListener.Close()
		return fmt.Errorf("listening on METRICS_ADDRESS: %w", err)
	}
	requests, cutOff := context.WithCancel(context.WithoutCancel(ctx))
	defer cutOff()
	main, metrics := s.server(s.Handler), s.server(s.metrics())
	main.BaseContext = func(net.Listener) context.Context { return requests }
	failed := make(chan error, 2)
	go func() { failed <- main.Serve(mainListener) }()
	go func() { failed <- metrics.Serve(metricsListener) }()
	s.Log.Info("serving", "address", mainListener.Addr().String(), "metrics", metricsListener.Addr().String())
	select {
	case err := <-failed:
		return errors.Join(err, main.Close(), metrics.Close())
	case <-ctx.Done():
	}
	s.Stopping()
	s.Log.Info("stopping")
	<-time.After(lameDuck)
	timer := time.AfterFunc(drain, cutOff)
	defer timer.Stop()
	bounded, cancel := context.WithTimeout(requests, drain)
	defer cancel()
	if err := main.Shutdown(bounded); err == nil {
		return metrics.Close()
	}
	last, cancelLast := context.WithTimeout(context.WithoutCancel(ctx), cut)
	defer cancelLast()
	if err := main.Shutdown(last); err != nil {
		s.Log.Warn("requests were cut off", "error", err)
		return errors.Join(main.Close(), metrics.Close())
	}
	return metrics.Close()
}

func (s *Server) server(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug)}
}

func (s *Server) metrics() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.Registry, promhttp.HandlerOpts{Registry: s.Registry, Timeout: 10 * time.Second}))
	if s.Profiles {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}
