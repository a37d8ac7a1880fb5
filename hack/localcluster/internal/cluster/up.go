package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"chatpdf.dev/operator/hack/localcluster/internal/apiready"
	"chatpdf.dev/operator/hack/localcluster/internal/box"
	"chatpdf.dev/operator/hack/localcluster/internal/console"
	"chatpdf.dev/operator/hack/localcluster/internal/credentials"
	"chatpdf.dev/operator/hack/localcluster/internal/invoker"
	"chatpdf.dev/operator/hack/localcluster/internal/network"
	"chatpdf.dev/operator/hack/localcluster/internal/preflight"
	"chatpdf.dev/operator/hack/localcluster/internal/proc"
	"chatpdf.dev/operator/hack/localcluster/internal/spec"
	"chatpdf.dev/operator/hack/localcluster/internal/supervise"
)

// Request is what up is asked for.
type Request struct {
	Spec spec.Spec
	// Preflight is checked before anything is started.
	Preflight []preflight.Check
	// Fits says whether a cluster that runs already will do.
	Fits func(running spec.Spec) error
	// AwaitMetrics makes up wait for metrics-server's first numbers as well.
	AwaitMetrics bool
}

const (
	// startTimeout bounds each step of a start. On two idle cores a whole start
	// takes ten seconds.
	startTimeout = 4 * time.Minute
	// recoverTimeout is how long a running cluster may take to answer before it
	// counts as broken.
	recoverTimeout = 15 * time.Second
)

// Up starts the cluster, or finds that it runs. What an earlier start left
// half done is taken down first.
func (c Cluster) Up(ctx context.Context, want Request) error {
	lock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer c.unlock(lock)
	have, r, err := c.running()
	if err == nil && r.Complete && apiready.Wait(ctx, have, recoverTimeout) == nil {
		if err := want.Fits(have); err != nil {
			return err
		}
		c.Console.Say("the cluster %s is up already, with %d node(s)", c.Name, have.Nodes)
		return nil
	}
	leftover, err := c.down(ctx)
	if err != nil {
		return err
	}
	if leftover {
		c.Console.Say("removed what an earlier start of %s had left", c.Name)
	}
	checks := append([]preflight.Check{{Name: "name", Run: func() error { return unclaimed(want.Spec) }}}, want.Preflight...)
	err = c.Console.Step("preflight", func(*console.Step) error { return preflight.Run(checks) })
	if err != nil {
		return err
	}
	if err := c.start(ctx, want); err != nil {
		return fmt.Errorf("%w\n(what runs is left for a look: localcluster status, localcluster logs PART; localcluster down removes it)", err)
	}
	c.Console.Say("the cluster %s is up (%.1f s)", c.Name, c.Console.Elapsed().Seconds())
	return nil
}

func (c Cluster) start(ctx context.Context, want Request) error {
	s := want.Spec
	var r record
	err := c.Console.Step("namespaces, network, certificates", func(*console.Step) (err error) {
		if err := c.makeState(s); err != nil {
			return err
		}
		r, err = c.startBox(s)
		return err
	})
	if err != nil {
		return err
	}
	ctx, stop := whileRunning(ctx, r.Box)
	defer stop()
	if err := c.await(ctx, want); err != nil {
		return because(ctx, err)
	}
	r.Complete = true
	return c.save(r)
}

// await takes a cluster whose namespaces run to the point where it is usable.
func (c Cluster) await(ctx context.Context, want Request) error {
	s := want.Spec
	w, err := newWaiter(s)
	if err != nil {
		return err
	}
	steps := []step{
		{"etcd and API server", func(ctx context.Context, _ *console.Step) error { return apiready.Wait(ctx, s, startTimeout) }},
		{"system objects", func(ctx context.Context, _ *console.Step) error { return apply(ctx, s, nil, system(s)...) }},
		{fmt.Sprintf("%d node(s) Ready", s.Nodes), w.until(w.nodes)},
		{"CoreDNS available", w.until(w.dns)},
	}
	if want.AwaitMetrics {
		steps = append(steps, step{"metrics-server has numbers", w.until(w.metrics)})
	}
	for _, one := range steps {
		if err := c.Console.Step(one.name, func(shown *console.Step) error { return one.do(ctx, shown) }); err != nil {
			return err
		}
	}
	return nil
}

type step struct {
	name string
	do   func(context.Context, *console.Step) error
}

func (c Cluster) makeState(s spec.Spec) error {
	who, err := invoker.Current()
	if err != nil {
		return err
	}
	for _, dir := range []string{c.Dir(), s.Logs(), s.Status()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making the cluster's directory: %w", err)
		}
	}
	// The record comes first: what has one can be taken down.
	if err := errors.Join(c.save(record{}), s.Save(), credentials.Write(s)); err != nil {
		return err
	}
	if err := os.Chown(s.AdminKubeconfig(), who.UID, who.GID); err != nil {
		return fmt.Errorf("handing the kubeconfig over: %w", err)
	}
	return nil
}

// unclaimed fails if a cluster of this name runs that has no record: its state
// was removed by hand, so nobody can tell for sure which processes are its.
func unclaimed(s spec.Spec) error {
	if _, err := net.InterfaceByName(s.HostLink()); err == nil {
		return fmt.Errorf("a cluster %s runs whose state was removed from %s: end its process \"localcluster internal box\", or choose another --name", s.Name, s.Dir)
	}
	return nil
}

// startBox starts the box and links it to the host. The box does nothing
// before its gate opens, which is after it has been recorded; if this process
// dies in between, the gate never opens and the box ends by itself.
func (c Cluster) startBox(s spec.Spec) (record, error) {
	var r record
	cmd := exec.Command("/proc/self/exe", "internal", "box", s.Dir)
	cmd.SysProcAttr = box.Attributes()
	identity, open, err := startGated(cmd, s.Log("box"))
	if err != nil {
		return r, fmt.Errorf("starting the cluster's namespaces: %w", err)
	}
	defer open.Close()
	r.Box = identity
	if err := c.save(r); err != nil {
		return r, err
	}
	if err := network.Host(s, identity.PID); err != nil {
		return r, err
	}
	if _, err := open.Write([]byte{1}); err != nil {
		return r, fmt.Errorf("starting the cluster's namespaces: %w", err)
	}
	return r, nil
}

// startGated starts a process that waits in supervise.Gate until a byte is
// written to the returned pipe, and ends if the pipe is closed without one.
func startGated(cmd *exec.Cmd, log string) (proc.Identity, *os.File, error) {
	output, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return proc.Identity{}, nil, err
	}
	defer output.Close()
	read, write, err := os.Pipe()
	if err != nil {
		return proc.Identity{}, nil, err
	}
	defer read.Close()
	cmd.Stdout, cmd.Stderr = output, output
	cmd.ExtraFiles = append([]*os.File{read}, cmd.ExtraFiles...)
	if err := cmd.Start(); err != nil {
		write.Close()
		return proc.Identity{}, nil, err
	}
	identity, err := proc.Identify(cmd.Process.Pid)
	if err != nil {
		write.Close()
		return proc.Identity{}, nil, err
	}
	return identity, write, cmd.Process.Release()
}

// whileRunning returns a context that also ends when the process does.
func whileRunning(ctx context.Context, process proc.Identity) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if !process.Running() {
					cancel(errors.New("the cluster's first process has ended: see localcluster logs box"))
					return
				}
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

// because puts the reason for which ctx ended in the place of a bare
// "context canceled".
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// crashes says which programs of the control plane keep ending.
func crashes(s spec.Spec) string {
	states, err := supervise.Read(box.StatusFile(s))
	if err != nil {
		return ""
	}
	var names []string
	for _, state := range states {
		if state.Restarts > 2 {
			names = append(names, fmt.Sprintf("%s (%s)", state.Name, state.LastExit))
		}
	}
	if names == nil {
		return ""
	}
	return "; these keep ending, see their logs: " + strings.Join(names, ", ")
}
