// Package rig stands up what the demo and the end-to-end tests run on: a cluster, the images of this
// checkout in it, and the operator installed through its chart. Every step may be repeated.
package rig

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	// OperatorNamespace is where the chart is installed.
	OperatorNamespace = "chatpdf-system"
	// OperatorRelease is the name of the chart's release, and of the operator's Deployment.
	OperatorRelease = "chatpdf-operator"
	// MongoDBVersion is the MongoDB of a local cluster.
	MongoDBVersion = "6.0.5"
)

// Checkout is the directory of the sources, and where output of the tools it runs goes.
type Checkout struct {
	Root string
	Out  io.Writer
}

// Cluster is a cluster that the images of the checkout can be run on.
type Cluster struct {
	Checkout
	Name         string // of the local cluster; empty for another one
	Kubeconfig   string // file; empty: kubectl's own choice
	Kubectl      string // path of a kubectl that fits
	Images       Images
	MongoDBImage string
}

// run runs a command with its output shown.
func (c Checkout) run(ctx context.Context, environment []string, name string, args ...string) error {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = c.Root
	command.Env = append(os.Environ(), environment...)
	command.Stdout, command.Stderr = c.Out, c.Out
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s: %w", words(name, args), err)
	}
	return nil
}

// output runs a command and answers what it printed.
func (c Checkout) output(ctx context.Context, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = c.Root
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", words(name, args), err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(out)), nil
}

func words(name string, args []string) string {
	return strings.Join(append([]string{filepath.Base(name)}, args[:min(2, len(args))]...), " ")
}

func (c Checkout) hack(parts ...string) string {
	return filepath.Join(append([]string{c.Root, "hack"}, parts...)...)
}

// CacheDirectory is where everything built lies, outside the checkout.
func CacheDirectory() string {
	if directory := os.Getenv("CHATPDF_CACHE"); directory != "" {
		return directory
	}
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	return filepath.Join(base, "chatpdf-operator")
}
