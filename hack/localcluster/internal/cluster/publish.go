package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"syscall"

	"chatpdf.dev/operator/hack/localcluster/internal/forward"
	"chatpdf.dev/operator/hack/localcluster/internal/invoker"
	"chatpdf.dev/operator/hack/localcluster/internal/proc"
	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

// Publish makes a Service reachable under an address of the host, until down.
// Publishing the same again keeps what is there; another target under the same
// address takes its place.
func (c Cluster) Publish(ctx context.Context, target, address string) error {
	wanted, err := forward.ParseTarget(target)
	if err != nil {
		return err
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return fmt.Errorf("--address %q must be an address and a port such as 127.0.0.1:8080", address)
	}
	lock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer c.unlock(lock)
	s, r, err := c.running()
	if err != nil {
		return err
	}
	resolver, err := forward.NewResolver(s.AdminKubeconfig(), wanted)
	if err != nil {
		return err
	}
	if _, err := resolver.Address(ctx); err != nil {
		return err
	}
	at := slices.IndexFunc(r.Published, func(p Publication) bool { return p.Address == address })
	if at >= 0 {
		if r.Published[at].Target == target && r.Published[at].Process.Running() {
			c.Console.Say("%s is published on http://%s already", target, address)
			return nil
		}
		if err := r.Published[at].Process.Kill(ctx); err != nil {
			return err
		}
		r.Published = slices.Delete(r.Published, at, at+1)
	}
	if err := c.startForward(ctx, s, &r, target, address); err != nil {
		return err
	}
	c.Console.Say("%s is published on http://%s", target, address)
	return nil
}

// startForward opens the listener here, so that a busy address is an error of
// this command.
func (c Cluster) startForward(ctx context.Context, s spec.Spec, r *record, target, address string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use: choose another --address, or end what listens there", address)
	}
	if err != nil {
		return fmt.Errorf("listening on %s: %w", address, err)
	}
	defer listener.Close()
	return c.startForwarder(s, listener.(*net.TCPListener), "publish-"+address, func(identity proc.Identity) error {
		r.Published = append(r.Published, Publication{Target: target, Address: address, Process: identity})
		return c.save(*r)
	}, "forward", s.Dir, target)
}

// startForwarder hands a listener to a process that does not run as root and
// outlives this one. It is recorded before it may do anything.
func (c Cluster) startForwarder(s spec.Spec, listener *net.TCPListener, log string, record func(proc.Identity) error, args ...string) error {
	file, err := listener.File()
	if err != nil {
		return fmt.Errorf("handing the listener over: %w", err)
	}
	defer file.Close()
	who, err := invoker.Current()
	if err != nil {
		return err
	}
	cmd := exec.Command("/proc/self/exe", append([]string{"internal"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	who.AsInvoker(cmd)
	cmd.ExtraFiles = []*os.File{file}
	identity, open, err := startGated(cmd, s.Log(notForNames.ReplaceAllString(log, "_")))
	if err != nil {
		return fmt.Errorf("starting the forwarder: %w", err)
	}
	defer open.Close()
	if err := record(identity); err != nil {
		return err
	}
	if _, err := open.Write([]byte{1}); err != nil {
		return fmt.Errorf("starting the forwarder: %w", err)
	}
	return nil
}

// notForNames is what a file name should not hold.
var notForNames = regexp.MustCompile(`[^0-9A-Za-z.-]`)
