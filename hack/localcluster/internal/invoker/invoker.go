// Package invoker knows the person who runs the command, also from under
// sudo, and gives a command root's rights when it needs them. Nothing else in
// the repository escalates: builds run as the person, so that their caches
// stay theirs; namespaces, routes and packages need root.
package invoker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// Invoker is the person behind the command: behind sudo, not root.
type Invoker struct {
	UID, GID int
	Home     string
}

// Current returns who runs this process.
func Current() (Invoker, error) {
	uid, gid := os.Getuid(), os.Getgid()
	home := os.Getenv("HOME")
	if uid == 0 && os.Getenv("SUDO_UID") != "" {
		var errs [2]error
		uid, errs[0] = strconv.Atoi(os.Getenv("SUDO_UID"))
		gid, errs[1] = strconv.Atoi(os.Getenv("SUDO_GID"))
		if err := errors.Join(errs[:]...); err != nil {
			return Invoker{}, fmt.Errorf("reading who called sudo (SUDO_UID, SUDO_GID): %w", err)
		}
		home = ""
	}
	if home == "" {
		u, err := user.LookupId(strconv.Itoa(uid))
		if err != nil {
			return Invoker{}, fmt.Errorf("finding the home of user %d (or set HOME): %w", uid, err)
		}
		home = u.HomeDir
	}
	return Invoker{UID: uid, GID: gid, Home: home}, nil
}

// Directory returns the absolute path of a directory of the product: that of
// an XDG variable, or the fallback below the invoker's home. Behind sudo the
// variables are root's and are not used.
func (i Invoker) Directory(variable, fallback string) string {
	base := os.Getenv(variable)
	if base == "" || !filepath.IsAbs(base) || i.UID != os.Getuid() {
		base = filepath.Join(i.Home, fallback)
	}
	return filepath.Join(base, "chatpdf-operator")
}

// MakeDirectory makes a directory and those above it, which then belong to
// the invoker also if root makes them.
func (i Invoker) MakeDirectory(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	if parent := filepath.Dir(path); parent != path {
		if err := i.MakeDirectory(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	if err := os.Lchown(path, i.UID, i.GID); err != nil {
		return fmt.Errorf("handing a directory over: %w", err)
	}
	return nil
}

// BecomeRoot returns at once for root. For anybody else it replaces this
// process by the same program under sudo, with the given arguments, and
// returns only if that cannot be done.
func BecomeRoot(args []string) error {
	if os.Geteuid() == 0 {
		return nil
	}
	sudo, self, err := sudoAndSelf()
	if err != nil {
		return err
	}
	argv := append([]string{sudo, "--", self}, args...)
	return fmt.Errorf("starting %s: %w", sudo, syscall.Exec(sudo, argv, os.Environ()))
}

// Command returns a command that runs as root: through sudo unless this
// process is root already.
func Command(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	if os.Geteuid() == 0 {
		return exec.CommandContext(ctx, name, args...), nil
	}
	sudo, _, err := sudoAndSelf()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, sudo, append([]string{"--", name}, args...)...)
	cmd.Stdin = os.Stdin
	return cmd, nil
}

// AsInvoker makes a command started by root run as the person behind sudo.
func (i Invoker) AsInvoker(cmd *exec.Cmd) {
	if os.Geteuid() != 0 || i.UID == 0 {
		return
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(i.UID), Gid: uint32(i.GID)}
	cmd.Env = append(cmd.Environ(), "HOME="+i.Home, "SUDO_UID=", "SUDO_GID=")
}

func sudoAndSelf() (sudo, self string, err error) {
	if sudo, err = exec.LookPath("sudo"); err != nil {
		return "", "", errors.New("this needs root and sudo is not installed: run the same command as root")
	}
	if self, err = os.Executable(); err != nil {
		return "", "", fmt.Errorf("finding this program's own path: %w", err)
	}
	return sudo, self, nil
}
