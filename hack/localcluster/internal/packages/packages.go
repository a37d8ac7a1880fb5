// Package packages installs Debian packages that are missing.
package packages

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"chatpdf.dev/operator/hack/localcluster/internal/command"
	"chatpdf.dev/operator/hack/localcluster/internal/console"
	"chatpdf.dev/operator/hack/localcluster/internal/invoker"
)

// Need is a file that something here uses, and the package that brings it.
type Need struct {
	// Files are the places where the file may be; one is enough. A pattern of
	// filepath.Match is allowed; a bare name is looked for where programs are.
	Files []string
	// Package is its name on Debian and Ubuntu.
	Package string
}

// Cluster is what the nodes of a cluster use beside what is built.
func Cluster() []Need {
	return []Need{
		{[]string{"runc"}, "runc"},
		{[]string{"/usr/lib/cni/bridge", "/opt/cni/bin/bridge"}, "containernetworking-plugins"},
		{[]string{"nft"}, "nftables"},
		// For pods with a host port.
		{[]string{"iptables"}, "iptables"},
		{[]string{"mount"}, "mount"},
	}
}

// Missing returns the packages of the needs that are not met.
func Missing(needs []Need) []string {
	var missing []string
	for _, need := range needs {
		if !slices.ContainsFunc(need.Files, present) {
			missing = append(missing, need.Package)
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

// programDirs are searched beside PATH: a person's PATH often lacks sbin.
var programDirs = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

func present(file string) bool {
	if !strings.ContainsRune(file, '/') {
		if _, err := exec.LookPath(file); err == nil {
			return true
		}
		return slices.ContainsFunc(programDirs, func(dir string) bool { return present(filepath.Join(dir, file)) })
	}
	found, err := filepath.Glob(file)
	return err == nil && len(found) > 0
}

// Install installs what is missing with apt-get.
func Install(ctx context.Context, c *console.Console, needs []Need) error {
	missing := Missing(needs)
	if len(missing) == 0 {
		return nil
	}
	names := strings.Join(missing, " ")
	if !Supported() {
		return fmt.Errorf("missing on this machine: %s. They are installed by themselves on Debian and Ubuntu only: install what your distribution calls them, then run this again", names)
	}
	return c.Step("install "+names, func(step *console.Step) error {
		install := append([]string{"install", "--yes", "--no-install-recommends"}, missing...)
		err := apt(ctx, step, install)
		if err != nil {
			// The package lists are often missing or out of date.
			err = errors.Join(apt(ctx, step, []string{"update"}), apt(ctx, step, install))
		}
		if err == nil && len(Missing(needs)) > 0 {
			err = errors.New("apt-get succeeded and the files are still not there")
		}
		if err != nil {
			return fmt.Errorf("install them by hand (apt-get install %s): %w", names, err)
		}
		return nil
	})
}

// Supported reports whether packages can be installed here.
func Supported() bool {
	_, err := os.Stat("/etc/debian_version")
	return err == nil && present("apt-get")
}

func apt(ctx context.Context, step *console.Step, args []string) error {
	cmd, err := invoker.Command(ctx, "env", append([]string{"DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"}, args...)...)
	if err != nil {
		return err
	}
	err = command.Run(cmd, func(line string) bool {
		step.Report("%s", line)
		return false
	})
	if err != nil {
		return fmt.Errorf("apt-get %s: %w", args[0], err)
	}
	return nil
}
