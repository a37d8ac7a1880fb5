package preflight

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"chatpdf.dev/operator/hack/localcluster/internal/cgroups"
)

// kernel tries what a cluster does, in namespaces that last for the trial.
// Only root can; for others the check is left to up.
func kernel(stateBase string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	hierarchies, err := cgroups.Mounts()
	if err != nil {
		return err
	}
	if len(hierarchies) == 0 {
		return errors.New("no cgroup hierarchy is mounted: mount cgroup2 on /sys/fs/cgroup")
	}
	base := existing(stateBase)
	trial := exec.Command("/proc/self/exe", "internal", "trial", base)
	trial.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC}
	var output bytes.Buffer
	trial.Stdout, trial.Stderr = &output, &output
	err = trial.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return errors.New(strings.TrimSpace(output.String()))
	}
	if err != nil {
		return fmt.Errorf("namespaces cannot be made (in a container, run it privileged): %w", err)
	}
	return nil
}

// Trial is what runs in the trial's namespaces.
func Trial(base string) error {
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("mounts cannot be made private (in a container, run it privileged): %w", err)
	}
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}}
	if err := netlink.LinkAdd(bridge); err != nil {
		return fmt.Errorf("the kernel makes no bridge: load the module bridge: %w", err)
	}
	pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "a"}, PeerName: "b"}
	if err := netlink.LinkAdd(pair); err != nil {
		return fmt.Errorf("the kernel makes no pair of links: load the module veth: %w", err)
	}
	return errors.Join(overlay(base), nftables())
}

func overlay(base string) error {
	work, err := os.MkdirTemp(base, ".localcluster-trial-*")
	if err != nil {
		return fmt.Errorf("%s cannot be written: choose another place with --state: %w", base, err)
	}
	defer os.RemoveAll(work)
	var options []string
	for _, part := range []string{"lowerdir", "upperdir", "workdir"} {
		dir := filepath.Join(work, part)
		if err := os.Mkdir(dir, 0o755); err != nil {
			return fmt.Errorf("%s cannot be written: choose another place with --state: %w", base, err)
		}
		options = append(options, part+"="+dir)
	}
	target := filepath.Join(work, "lowerdir")
	if err := unix.Mount("overlay", target, "overlay", 0, strings.Join(options, ",")); err != nil {
		return fmt.Errorf("no overlay can be mounted on the file system of %s: load the module overlay, or choose another place with --state: %w", base, err)
	}
	return unix.Unmount(target, unix.MNT_DETACH)
}

func nftables() error {
	nft, err := exec.LookPath("nft")
	if err != nil {
		return nil //nolint:nilerr // up installs it first
	}
	rules := exec.Command(nft, "add table ip trial; add chain ip trial nat { type nat hook prerouting priority dstnat ; }; add chain ip trial c { type filter hook forward priority filter ; ct state established accept ; }")
	if output, err := rules.CombinedOutput(); err != nil {
		return fmt.Errorf("the kernel takes no nftables rules: load the modules nf_tables and nf_nat: %s", strings.TrimSpace(string(output)))
	}
	return nil
}

// existing returns the nearest directory on the way up that exists.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || path == "/" {
			return path
		}
		path = filepath.Dir(path)
	}
}
