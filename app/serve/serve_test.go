package serve_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"chatpdf.dev/operator/app/serve"
)

func TestARequestUnderWayIsFinishedBeforeTheEnd(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	address := free(t)
	var stopping atomic.Bool
	server := &serve.Server{Address: address, MetricsAddress: free(t), Registry: prometheus.NewRegistry(),
		Log: slog.New(slog.DiscardHandler), Stopping: func() { stopping.Store(true); close(goOn) },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(begun)
			<-goOn
			io.WriteString(w, "whole") //nolint:errcheck // the client may have gone
		})}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- server.Run(ctx) }()
	answer := make(chan string)
	go func() {
		for { // until it listens
			response, err := http.Get("http://" + address)
			if err != nil {
				continue
			}
			body, _ := io.ReadAll(response.Body)
			response.Body.Close()
			answer <- string(body)
			return
		}
	}()
	<-begun
	cancel()
	if got := <-answer; got != "whole" {
		t.Errorf("answer %q", got)
	}
	if err := <-ended; err != nil || !stopping.Load() {
		t.Errorf("%v, stopping %v", err, stopping.Load())
	}
}

func TestAPortInUseIsASentence(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	server := &serve.Server{Address: free(t), MetricsAddress: l.Addr().String(), Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)}
	if err := server.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "METRICS_ADDRESS") {
		t.Fatalf("%v", err)
	}
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
