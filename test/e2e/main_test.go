//go:build e2e

// Package e2e proves on a local cluster of real nodes, with the images and the chart of this
// checkout, what only running containers show.
//
// The cluster is of this package's own and goes when the tests end. E2E_KEEP=1 leaves it up.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"chatpdf.dev/operator/hack/rig"
)

// standUpDeadline bounds the building of everything on a machine with empty caches.
const standUpDeadline = 55 * time.Minute

// local is a cluster beside that of the demo: both may be up.
var local = rig.Local{Name: "chatpdf-e2e", Nodes: 3, Subnet: "10.201.0.0/24", PodCIDR: "10.245.0.0/16", ServiceCIDR: "10.97.0.0/16"}

// the cluster of this test run, set by TestMain before any test runs.
var cluster *testCluster

func TestMain(m *testing.M) {
	os.Exit(runAll(m))
}

func runAll(m *testing.M) (status int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	checkout := rig.Checkout{Root: root(), Out: os.Stderr}
	if os.Getenv("E2E_KEEP") == "" {
		defer func() {
			if err := checkout.Down(context.WithoutCancel(ctx), local.Name); err != nil {
				fmt.Fprintln(os.Stderr, "e2e: taking the cluster down:", err)
				status = 1
			}
		}()
	}
	var err error
	if cluster, err = standUp(ctx, checkout); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: no cluster to test on:", err)
		return 1
	}
	ran := make(chan int, 1)
	go func() { ran <- m.Run() }()
	select {
	case status = <-ran:
		return status
	case <-ctx.Done():
		stop() // another signal is not waited for
		fmt.Fprintln(os.Stderr, "e2e: told to end: what was being tested fails for that")
		return 1
	}
}

func standUp(ctx context.Context, checkout rig.Checkout) (*testCluster, error) {
	ctx, cancel := context.WithTimeout(ctx, standUpDeadline)
	defer cancel()
	started := time.Now()
	step := func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%5.1f s  %s\n", time.Since(started).Seconds(), fmt.Sprintf(format, args...))
	}
	wanted := local
	wanted.CSI = thorough()
	rigged, err := checkout.Up(ctx, wanted, step)
	if err != nil {
		return nil, err
	}
	step("operator: installing the chart")
	if err := rigged.InstallOperator(ctx); err != nil {
		return nil, errors.Join(err, diagnose(ctx, rigged))
	}
	return newTestCluster(rigged)
}

// root is the checkout: two directories above this package.
func root() string {
	if r := os.Getenv("CHATPDF_ROOT"); r != "" {
		return r
	}
	directory, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return filepath.Join(directory, "..", "..")
}
