package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"chatpdf.dev/operator/hack/localcluster/internal/cgroups"
	"chatpdf.dev/operator/hack/localcluster/internal/network"
	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

// downTimeout bounds how long the kernel may take to end everything.
const downTimeout = time.Minute

// Down ends the cluster and removes everything of it: processes, link and
// routes, cgroups, state. It works on a cluster in any state, and on none.
func (c Cluster) Down(ctx context.Context) error {
	lock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer c.unlock(lock)
	existed, err := c.down(ctx)
	switch {
	case err != nil:
		return err
	case existed:
		c.Console.Say("the cluster %s is gone (%.1f s)", c.Name, c.Console.Elapsed().Seconds())
	default:
		c.Console.Say("the cluster %s was not up", c.Name)
	}
	return nil
}

func (c Cluster) down(ctx context.Context) (existed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, downTimeout)
	defer cancel()
	r, err := c.load()
	if errors.Is(err, ErrDown) {
		if _, err := os.Stat(c.Dir()); err == nil {
			return false, fmt.Errorf("%s is in the way and holds no record of a cluster: look into it and remove it", c.Dir())
		}
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%w (if the file is damaged, end the cluster's processes by hand and remove %s)", err, c.Dir())
	}
	var errs []error
	for _, p := range r.Published {
		errs = append(errs, p.Process.Kill(ctx))
	}
	for _, relay := range r.Relays {
		errs = append(errs, relay.Process.Kill(ctx))
	}
	if r.Registry != nil {
		errs = append(errs, r.Registry.Process.Kill(ctx))
	}
	errs = append(errs, r.Box.Kill(ctx))
	hierarchies, err := cgroups.Mounts()
	names := spec.Spec{Name: c.Name}
	errs = append(errs, err, network.RemoveHost(names), cgroups.Remove(ctx, hierarchies, names.CgroupRoot()))
	if err := errors.Join(errs...); err != nil {
		return true, fmt.Errorf("ending the cluster %s (its state stays in %s; run down again): %w", c.Name, c.Dir(), err)
	}
	if err := os.RemoveAll(c.Dir()); err != nil {
		return true, fmt.Errorf("removing the cluster's state: %w", err)
	}
	return true, nil
}
