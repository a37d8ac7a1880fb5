// Package cluster starts, finds and ends clusters from the host's side.
//
// What runs is recorded before it may run, so that a cluster whose start was
// cut short at any moment can be taken down completely, and only recorded
// processes are ever signalled. All commands that change a cluster hold its
// lock.
package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"chatpdf.dev/operator/hack/localcluster/internal/console"
	"chatpdf.dev/operator/hack/localcluster/internal/flock"
	"chatpdf.dev/operator/hack/localcluster/internal/invoker"
	"chatpdf.dev/operator/hack/localcluster/internal/proc"
	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

// Cluster is one cluster by name, whether it runs or not.
type Cluster struct {
	Name    string
	Console *console.Console
	// base is the directory of all clusters' state.
	base string
}

// New returns the cluster of the given name with its state below base.
func New(name, base string, c *console.Console) Cluster {
	return Cluster{Name: name, Console: c, base: filepath.Join(base, "clusters")}
}

// Dir is the directory of the cluster's state.
func (c Cluster) Dir() string { return filepath.Join(c.base, c.Name) }

// ErrDown says that the cluster does not run.
var ErrDown = errors.New("is not up: start it with localcluster up")

// record is what is known of a cluster's processes.
type record struct {
	Box       proc.Identity `json:"box"`
	Published []Publication `json:"published,omitempty"`
	Relays    []Relay       `json:"relays,omitempty"`
	Registry  *Registry     `json:"registry,omitempty"`
	// Complete is set when the start went through to its end.
	Complete bool `json:"complete"`
}

// Publication is a Service that is reachable under an address of the host.
type Publication struct {
	Target  string        `json:"target"`
	Address string        `json:"address"`
	Process proc.Identity `json:"process"`
}

func (c Cluster) recordFile() string { return filepath.Join(c.Dir(), "processes.json") }

func (c Cluster) save(r record) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		partial := c.recordFile() + ".partial"
		err = errors.Join(os.WriteFile(partial, content, 0o644), os.Rename(partial, c.recordFile()))
	}
	if err != nil {
		return fmt.Errorf("recording the cluster's processes: %w", err)
	}
	return nil
}

// load returns the record, or ErrDown if there is none.
func (c Cluster) load() (record, error) {
	var r record
	content, err := os.ReadFile(c.recordFile())
	if errors.Is(err, os.ErrNotExist) {
		return r, fmt.Errorf("the cluster %s %w", c.Name, ErrDown)
	}
	if err == nil {
		err = json.Unmarshal(content, &r)
	}
	if err != nil {
		return r, fmt.Errorf("reading the cluster's processes: %w", err)
	}
	return r, nil
}

// Running returns the spec and the record of a cluster that runs, or ErrDown.
func (c Cluster) running() (spec.Spec, record, error) {
	r, err := c.load()
	if err != nil {
		return spec.Spec{}, r, err
	}
	if !r.Box.Running() {
		return spec.Spec{}, r, fmt.Errorf("the cluster %s %w", c.Name, ErrDown)
	}
	s, err := spec.Load(c.Dir())
	return s, r, err
}

// Spec returns the spec of a cluster that runs, or ErrDown.
func (c Cluster) Spec() (spec.Spec, error) {
	s, _, err := c.running()
	return s, err
}

// lockTimeout bounds the wait for another command on the same cluster.
const lockTimeout = 5 * time.Minute

func (c Cluster) lock(ctx context.Context) (*flock.Lock, error) {
	who, err := invoker.Current()
	if err != nil {
		return nil, err
	}
	if err := who.MakeDirectory(c.base); err != nil {
		return nil, err
	}
	return flock.Take(ctx, c.Dir()+".lock", lockTimeout, func() {
		c.Console.Say("another command is at work on the cluster %s: waiting for it", c.Name)
	})
}

// unlock gives the lock up; a cluster that is gone leaves no lock behind.
func (c Cluster) unlock(lock *flock.Lock) {
	if _, err := os.Stat(c.Dir()); err == nil {
		lock.Release()
		return
	}
	lock.Remove()
	// Both fail as long as other clusters have state there.
	os.Remove(c.base)
	os.Remove(filepath.Dir(c.base))
}
