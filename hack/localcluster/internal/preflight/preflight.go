// Package preflight finds out whether a cluster can run here before anything
// is started. Every failed check says in one sentence what to do about it.
package preflight

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"chatpdf.dev/operator/hack/localcluster/internal/network"
	"chatpdf.dev/operator/hack/localcluster/internal/packages"
	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

// Check is one thing that has to be so.
type Check struct {
	Name string
	Run  func() error
}

const gib = 1 << 30

// Sizes that were measured: the sources and the build cache of a cold build
// take 7 GiB, the built programs and images 1 GiB; a node with the system pods
// takes 0.4 GiB of disk and, with the control plane, 1.2 GiB of memory.
const (
	diskToBuild   = 10 * gib
	diskToRun     = 3 * gib
	memoryToRun   = 2 * gib
	memoryPerNode = gib / 4
)

// Checks lists what a cluster needs whose parts are built.
func Checks(s spec.Spec, stateBase string) []Check {
	return append(Early(s, stateBase),
		Check{"packages", distribution},
		Check{"kernel", func() error { return kernel(stateBase) }},
	)
}

// Early lists what can be known before anything is built or installed, and by
// anybody: nobody should wait for a build to hear it.
func Early(s spec.Spec, stateBase string) []Check {
	return []Check{
		{"disk for the cluster", func() error { return disk(stateBase, "--state", diskToRun) }},
		{"memory", func() error { return memory(s.Nodes) }},
		{"addresses", func() error { return addresses(s) }},
		{"path of the state", func() error { return socketPath(s) }},
		{"inotify", inotify},
	}
}

// BuildDisk is what a cold build needs.
func BuildDisk(cache string) Check {
	return Check{"disk for the build", func() error { return disk(cache, "--cache", diskToBuild) }}
}

// Run runs the checks and joins what failed.
func Run(checks []Check) error {
	var errs []error
	for _, check := range checks {
		if err := check.Run(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", check.Name, err))
		}
	}
	return errors.Join(errs...)
}

func disk(path, flag string, need uint64) error {
	for {
		var fs unix.Statfs_t
		err := unix.Statfs(path, &fs)
		if errors.Is(err, unix.ENOENT) && path != "/" {
			path = filepath.Dir(path)
			continue
		}
		if err != nil {
			return fmt.Errorf("the file system of %s cannot be looked at: %w", path, err)
		}
		if free := fs.Bavail * uint64(fs.Bsize); free < need {
			return fmt.Errorf("%s has %.1f GiB free and %.1f GiB are needed: free some, or choose another place with %s", path, float64(free)/gib, float64(need)/gib, flag)
		}
		return nil
	}
}

func memory(nodes int) error {
	content, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return fmt.Errorf("the memory cannot be looked at: %w", err)
	}
	available, err := available(content)
	if err != nil {
		return err
	}
	if need := uint64(memoryToRun + (nodes-1)*memoryPerNode); available < need {
		return fmt.Errorf("%.1f GiB are available and %.1f GiB are needed for %d node(s): end something, or use fewer --nodes", float64(available)/gib, float64(need)/gib, nodes)
	}
	return nil
}

func available(meminfo []byte) (uint64, error) {
	lines := bufio.NewScanner(bytes.NewReader(meminfo))
	for lines.Scan() {
		if value, found := strings.CutPrefix(lines.Text(), "MemAvailable:"); found {
			kib, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(value, "kB")), 10, 64)
			return kib * 1024, err
		}
	}
	return 0, errors.New("/proc/meminfo does not say how much memory is available: a kernel of 3.14 or newer does")
}

func addresses(s spec.Spec) error {
	routes, err := network.HostRoutes()
	if err != nil {
		return err
	}
	return network.Clash(s, routes)
}

// maxSocketPath is what the kernel takes for the path of a socket, less the
// final zero.
const maxSocketPath = 107

func socketPath(s spec.Spec) error {
	if path := s.Containerd(spec.MaxNodes); len(path) > maxSocketPath {
		return fmt.Errorf("%s is too long for a socket: choose a shorter directory with --state", path)
	}
	return nil
}

// minInstances is what two nodes with some twenty pods use.
const minInstances = 64

func inotify() error {
	content, err := os.ReadFile("/proc/sys/fs/inotify/max_user_instances")
	if err != nil {
		return fmt.Errorf("the kernel has no inotify: %w", err)
	}
	if n, err := strconv.Atoi(strings.TrimSpace(string(content))); err != nil || n < minInstances {
		return fmt.Errorf("fs.inotify.max_user_instances is %s, which runs out: set it to 512 with sysctl", strings.TrimSpace(string(content)))
	}
	return nil
}

func distribution() error {
	missing := packages.Missing(packages.Cluster())
	if len(missing) == 0 || packages.Supported() {
		return nil
	}
	return fmt.Errorf("missing: %s; this is neither Debian nor Ubuntu, where up installs them: install what your distribution calls them", strings.Join(missing, " "))
}
