// Command localcluster runs a real, disposable Kubernetes on one Linux machine
// without Docker and without an image registry: for the demo, for end-to-end
// tests and for development. Everything of a cluster lives in namespaces of
// its own below one process, so that ending it leaves nothing behind.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"chatpdf.dev/operator/hack/localcluster/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := cli.Root().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "localcluster:", err)
		os.Exit(1)
	}
}
