// Package node is one node of the cluster: the first process of namespaces of
// its own, with a network link to the box, its own containerd, kubelet and
// kube-proxy, and its own view of /run, /var/lib and /var/log.
package node

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"chatpdf.dev/operator/hack/localcluster/internal/apiready"
	"chatpdf.dev/operator/hack/localcluster/internal/cgroups"
	"chatpdf.dev/operator/hack/localcluster/internal/mounts"
	"chatpdf.dev/operator/hack/localcluster/internal/network"
	"chatpdf.dev/operator/hack/localcluster/internal/spec"
	"chatpdf.dev/operator/hack/localcluster/internal/supervise"
)

// Paths as the node itself sees them.
const (
	containerdSocket = "/var/lib/containerd.sock"
	kubeletDir       = "/var/lib/kubelet"
)

// startTimeout bounds the start of containerd and of the API server.
const startTimeout = 3 * time.Minute

// Run sets the node up and runs it until ctx is done.
func Run(ctx context.Context, s spec.Spec, i int, log *slog.Logger) error {
	if err := mounts.Isolate(); err != nil {
		return err
	}
	if err := supervise.Gate(); err != nil {
		return err
	}
	if err := prepare(s, i); err != nil {
		return err
	}
	statusFile := filepath.Join(s.Status(), spec.NodeName(i)+".json")
	supervisor := supervise.New(ctx, statusFile, log)
	go supervisor.Keep(ctx, containerd(s, i))
	if err := awaitFile(ctx, containerdSocket); err != nil {
		return err
	}
	if err := importSystemImages(ctx, s, i, supervisor); err != nil {
		return err
	}
	if err := apiready.Wait(ctx, s, startTimeout); err != nil {
		return err
	}
	go supervisor.Keep(ctx, kubeProxy(s, i))
	go supervisor.Keep(ctx, kubelet(s, i))
	if s.CSI {
		go supervisor.Keep(ctx, csiNode(s, i))
	}
	<-ctx.Done()
	return nil
}

func prepare(s spec.Spec, i int) error {
	if err := unix.Sethostname([]byte(spec.NodeName(i))); err != nil {
		return fmt.Errorf("setting the host name: %w", err)
	}
	dir := s.NodeDir(i)
	own := []string{s.Dir, s.Cache, s.Programs}
	for path, source := range map[string]string{
		"/run":     "",
		"/var/lib": filepath.Join(dir, "lib"),
		"/var/log": filepath.Join(dir, "log"),
	} {
		if err := mounts.Cover(path, source, own...); err != nil {
			return err
		}
	}
	if err := writeConfiguration(s, i); err != nil {
		return err
	}
	if err := mounts.CoverFile("/etc/resolv.conf", filepath.Join(dir, "resolv.conf")); err != nil {
		return err
	}
	if err := mounts.Share(); err != nil {
		return err
	}
	hierarchies, err := cgroups.Mounts()
	if err != nil {
		return err
	}
	if err := cgroups.Make(hierarchies, s.NodeCgroup(i)); err != nil {
		return err
	}
	return network.Node(s, i)
}

// awaitFile waits for a file to appear.
func awaitFile(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(path); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", path, ctx.Err())
		case <-tick.C:
		}
	}
}
