package cgroups

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestHierarchiesOfBothVersionsAreFound(t *testing.T) {
	const mounts = `proc /proc proc rw 0 0
cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
tmpfs /sys/fs/cgroup tmpfs rw 0 0
short
`
	want := []Mount{{"/sys/fs/cgroup/cpuset", 1}, {"/sys/fs/cgroup/unified", 2}}
	if got := parse([]byte(mounts)); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestNewCPUSetsTakeOverTheirParents(t *testing.T) {
	root := t.TempDir()
	for file, content := range map[string]string{"cpuset.cpus": "0-1\n", "cpuset.mems": "0\n"} {
		if err := os.WriteFile(filepath.Join(root, file), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		// The kernel makes these with the directory.
		child := filepath.Join(root, "cpf-x")
		if err := os.MkdirAll(child, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(child, file), []byte("\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := Make([]Mount{{root, 1}}, "/cpf-x"); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"cpuset.cpus": "0-1\n", "cpuset.mems": "0\n"} {
		if got, err := os.ReadFile(filepath.Join(root, "cpf-x", file)); err != nil || string(got) != want {
			t.Errorf("%s is %q (%v)", file, got, err)
		}
	}
}

func TestRemoveTakesTheWholeTreeAndNothingElse(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"cpf-x/node1/kubepods/pod1", "cpf-x/node2", "cpf-xy/node1"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // that it is gone already is fine
		if err := Remove(t.Context(), []Mount{{root, 1}}, "/cpf-x"); err != nil {
			t.Fatal(err)
		}
	}
	left, err := filepath.Glob(filepath.Join(root, "*"))
	if err != nil || len(left) != 1 || filepath.Base(left[0]) != "cpf-xy" {
		t.Errorf("left: %v (%v)", left, err)
	}
}

func TestRemoveGivesUpOnABusyCgroupWhenItsTimeIsOver(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "cpf-x"), 0o755); err != nil {
		t.Fatal(err)
	}
	// A file stands for what keeps the directory from being removed.
	if err := os.WriteFile(filepath.Join(root, "cpf-x", "busy"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Remove(ctx, []Mount{{root, 1}}, "/cpf-x"); err == nil {
		t.Error("a cgroup that cannot be removed counts as removed")
	}
}
