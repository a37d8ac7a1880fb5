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
	// Files are the places where the file may be; one is enough. A path may be
	// a pattern of filepath.Match; a bare name is looked up in PATH.
	Files []string
	// Package is its name on Debian and Ubuntu.
	Package string
}

// Cluster is what the nodes of a cluster use beside what is built.
func Cluster() []Need {
	return []Need{
		{system("runc"), "runc"},
		{[]string{"/usr/lib/cni/bridge", "/opt/cni/bin/bridge"}, "containernetworking-plugins"},
		{system("nft"), "nftables"},
		// For pods with a host port.
		{system("iptables"), "iptables"},
		{system("mount"), "mount"},
	}
}

// system lists the places where a node looks for a program: it has no PATH of
// a person.
func system(program string) []string {
	var files []string
	for _, dir := range []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		files = append(files, filepath.Join(dir, program))
	}
	return files
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

func present(file string) bool {
	if !strings.ContainsRune(file, '/') {
		_, err := exec.LookPath(file)
		return err == nil
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
			updated := apt(ctx, step, []string{"update"})
			if err = apt(ctx, step, install); err != nil {
				err = errors.Join(updated, err)
			}
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

// waitForOthers lets apt-get wait while another one is at work.
const waitForOthers = "-oDPkg::Lock::Timeout=300"

func apt(ctx context.Context, step *console.Step, args []string) error {
	cmd, err := invoker.Command(ctx, "env", append([]string{"DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", waitForOthers}, args...)...)
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
