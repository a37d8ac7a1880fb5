// Package apiready waits for a cluster's API server without a client library,
// so that a node costs little memory.
package apiready

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

const (
	pollEvery      = 50 * time.Millisecond
	requestTimeout = 2 * time.Second
)

// Wait returns when the API server says that it is ready, or fails after
// timeout with what it said last.
func Wait(ctx context.Context, s spec.Spec, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	client, err := newClient(s)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := ask(ctx, client, s.APIServer()+"/readyz")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the API server is not ready (its log: localcluster logs kube-apiserver): %w", errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}

// Ask asks the API server once whether it is ready.
func Ask(ctx context.Context, s spec.Spec) error {
	client, err := newClient(s)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	return ask(ctx, client, s.APIServer()+"/readyz")
}

func newClient(s spec.Spec) (*http.Client, error) {
	authority, err := os.ReadFile(filepath.Join(s.PKI(), "ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("reading the cluster's authority: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	return &http.Client{Transport: transport, Timeout: requestTimeout}, nil
}

func ask(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, response.Status)
	}
	return nil
}
