package main

import (
	"context"
	"os"

	"chatpdf.dev/operator/app/config"
	"chatpdf.dev/operator/app/serve"
	"chatpdf.dev/operator/app/web"
)

// frontend serves the page until ctx ends.
func frontend(ctx context.Context) error {
	c, err := config.LoadFrontend(os.Environ())
	if err != nil {
		return err
	}
	log, registry, health := newLog(c.Log()), newRegistry(), &web.Health{}
	page, err := web.New(web.Options{Page: web.Built(), Backend: &c.BackendURL.URL, MaxFileSize: c.MaxFileSize,
		Timeout: c.Timeout(), Registry: registry, Log: log, Health: health})
	if err != nil {
		return err
	}
	server := &serve.Server{Address: string(c.ListenAddress), MetricsAddress: string(c.MetricsAddress), Handler: page,
		Registry: registry, Profiles: bool(c.Debug), Stopping: health.Stopping, Log: log}
	return server.Run(ctx)
}
