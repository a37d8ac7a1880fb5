package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatpdf.dev/operator/app/auth"
	"chatpdf.dev/operator/app/config"
	"chatpdf.dev/operator/app/httpapi"
	"chatpdf.dev/operator/app/ingest"
	"chatpdf.dev/operator/app/llm"
	"chatpdf.dev/operator/app/pdf"
	"chatpdf.dev/operator/app/retrieve"
	"chatpdf.dev/operator/app/serve"
	"chatpdf.dev/operator/app/store"
	"chatpdf.dev/operator/internal/version"
)

const (
	// indexCacheBytes is the memory for search indexes; those used longest ago are dropped and built again when needed.
	indexCacheBytes = 128 << 20
	// prepareRetry is how often the preparation of the database is tried while it does not answer.
	prepareRetry = 2 * time.Second
	closeTimeout = 5 * time.Second
)

// backend serves the API until ctx ends. It starts without the database, and is ready once that answers.
func backend(ctx context.Context) error {
	c, err := config.LoadBackend(os.Environ())
	if err != nil {
		return err
	}
	log := newLog(c.Log())
	db, err := store.Open(store.Options{
		URI: c.MongoDBURI.Read, CA: c.MongoDBCA.Read, MaxConns: c.MaxConnections, Log: log,
		FilesFromSecondaries: c.FileReadPreference == config.SecondaryPreferred,
	})
	if err != nil {
		return err
	}
	defer closeStore(db, log)
	model, err := newModel(c)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.CacheDir, 0o700); err != nil {
		return fmt.Errorf("CACHE_DIR cannot be used: %w", err)
	}
	accounts := auth.New(db)
	health := &httpapi.Health{Store: db, Version: version.Version}
	registry := newRegistry()
	api, err := newAPI(c, db, accounts, model, health, registry, log)
	if err != nil {
		return err
	}
	queue := newQueue(c, db, model, registry, log)
	ctx, cancel := context.WithCancelCause(ctx)
	var working sync.WaitGroup
	defer working.Wait()
	defer cancel(nil)
	working.Go(func() {
		if !prepare(ctx, c, db, accounts, log) {
			return
		}
		health.Prepared()
		if err := queue.Run(ctx); err != nil {
			// A backend that takes nothing in is better started anew than left to look healthy.
			cancel(fmt.Errorf("taking documents in: %w", err))
		}
	})
	server := &serve.Server{Address: string(c.ListenAddress), MetricsAddress: string(c.MetricsAddress), Handler: api,
		Registry: registry, Profiles: bool(c.Debug), Stopping: health.Stopping, Log: log}
	err = server.Run(ctx)
	if cause := context.Cause(ctx); err == nil && cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

func newModel(c config.Backend) (*llm.Client, error) {
	if !c.OpenAIAPIKey.IsSet() {
		return nil, nil
	}
	return llm.New(llm.Config{BaseURL: c.OpenAIBaseURL.String(), Key: c.OpenAIAPIKey.Read, ChatModel: c.OpenAIChatModel,
		EmbeddingModel: c.OpenAIEmbeddingModel, Timeout: c.Timeout()})
}

func newAPI(c config.Backend, db *store.Store, accounts *auth.Service, model *llm.Client, health *httpapi.Health,
	registry *prometheus.Registry, log *slog.Logger) (http.Handler, error) {
	return httpapi.New(httpapi.Options{
		Store: db, Auth: accounts, Model: model, EmbeddingModel: c.OpenAIEmbeddingModel,
		Indexes: retrieve.NewCache(indexCacheBytes), Health: health, Registry: registry, Log: log,
		Version: version.Version, Timeout: c.Timeout(), MaxFileSize: c.MaxFileSize, MaxPages: c.MaxPages,
		AllowedOrigins: c.AllowedOrigins,
		RateLimit:      httpapi.RateLimit{PerMinute: c.RateLimit, PerSecond: c.RateLimitPerSecond, Burst: c.RateLimitBurst},
	})
}

func newQueue(c config.Backend, db *store.Store, model *llm.Client, registry *prometheus.Registry, log *slog.Logger) *ingest.Queue {
	return &ingest.Queue{
		Store: db, Embedder: model, Model: c.OpenAIEmbeddingModel, Workers: c.WorkerCount,
		Extractor: &pdf.Extractor{CacheDir: filepath.Join(c.CacheDir, "wasm"), Limits: pdf.Limits{Pages: c.MaxPages, Memory: c.ExtractMemory}},
		SpoolDir:  filepath.Join(c.CacheDir, "spool"), Metrics: ingest.NewMetrics(registry), Log: log, Timing: ingest.DefaultTiming(),
	}
}

// prepare makes the indexes and the first account, for as long as it takes. It says whether it got to the end.
func prepare(ctx context.Context, c config.Backend, db *store.Store, accounts *auth.Service, log *slog.Logger) bool {
	retry := time.NewTicker(prepareRetry)
	defer retry.Stop()
	for {
		err := prepareOnce(ctx, c, db, accounts, log)
		if err == nil {
			return true
		}
		log.Warn("the database is not ready for use yet", "error", err)
		select {
		case <-retry.C:
		case <-ctx.Done():
			return false
		}
	}
}

func prepareOnce(ctx context.Context, c config.Backend, db *store.Store, accounts *auth.Service, log *slog.Logger) error {
	if err := db.EnsureIndexes(ctx); err != nil {
		return err
	}
	if !c.InitialAdminPassword.IsSet() {
		has, err := db.HasUsers(ctx)
		if err == nil && !has {
			log.Warn("nobody can sign in: there is no account; set INITIAL_ADMIN_PASSWORD and start again")
		}
		return err
	}
	password, err := c.InitialAdminPassword.Read()
	if err != nil {
		return fmt.Errorf("reading INITIAL_ADMIN_PASSWORD: %w", err)
	}
	created, err := accounts.EnsureInitialAdmin(ctx, string(c.InitialAdminUsername), password)
	if created {
		log.Info("created the first account", "username", c.InitialAdminUsername)
	}
	return err
}

func closeStore(db *store.Store, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := db.Close(ctx); err != nil {
		log.Warn("connections to the database were cut off", "error", err)
	}
}
