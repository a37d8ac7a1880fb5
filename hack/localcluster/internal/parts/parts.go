// Package parts builds the programs that a local cluster consists of, from
// their Go modules, once, into a cache outside the checkout.
//
// Each part is built in a module of its own, whose go.mod and go.sum are
// pinned here (modules/) and checked by the go command. What a part is built
// from names its directory in the cache, so another version or another flag is
// another directory and a build is never reused for the wrong source.
package parts

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
)

// modules holds, per part, the files of the module it is built in. Their
// names end in .txt because a directory with a go.mod cannot be embedded.
//
//go:embed modules
var modules embed.FS

// Part is a set of programs built from one module.
type Part struct {
	// Name is also the name of the part's directory in modules.
	Name string
	// Version is the upstream release, as its go.mod in modules requires it.
	Version string
	// Programs maps the name of each program to its package.
	Programs map[string]string
	// Tags are build tags.
	Tags []string
	// Variables are string variables that the linker sets.
	Variables map[string]string
	// Essential parts make up the cluster; the others are built by name only.
	Essential bool
}

// All lists every part, the quick ones first so that a failing tool chain
// shows early.
func All() []Part {
	return []Part{
		{
			Name: "pause", Version: "1", Essential: true,
			Programs: map[string]string{"pause": "localcluster.parts/pause"},
		},
		{
			Name: "etcd", Version: "3.7.3", Essential: true,
			Programs: map[string]string{"etcd": "go.etcd.io/etcd/server/v3"},
		},
		{
			Name: "coredns", Version: "1.15.0", Essential: true,
			Programs: map[string]string{"coredns": "localcluster.parts/coredns"},
		},
		{
			Name: "containerd", Version: "2.4.2", Essential: true,
			Programs: map[string]string{
				"containerd":              "github.com/containerd/containerd/v2/cmd/containerd",
				"containerd-shim-runc-v2": "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
				"ctr":                     "github.com/containerd/containerd/v2/cmd/ctr",
			},
			Tags:      []string{"no_aufs", "no_btrfs", "no_devmapper", "no_zfs"},
			Variables: map[string]string{"github.com/containerd/containerd/v2/version.Version": "v2.4.2"},
		},
		{
			Name: "metrics-server", Version: "0.9.0", Essential: true,
			Programs: map[string]string{"metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server"},
		},
		{
			Name: "kubernetes", Version: "1.37.2", Essential: true,
			Programs: map[string]string{
				"kube-apiserver":          "k8s.io/kubernetes/cmd/kube-apiserver",
				"kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
				"kube-proxy":              "k8s.io/kubernetes/cmd/kube-proxy",
				"kube-scheduler":          "k8s.io/kubernetes/cmd/kube-scheduler",
				"kubectl":                 "k8s.io/kubernetes/cmd/kubectl",
				"kubelet":                 "k8s.io/kubernetes/cmd/kubelet",
			},
			// Unstamped programs report v0.0.0, which every kubeVersion check refuses.
			Variables: map[string]string{
				"k8s.io/component-base/version.gitVersion":   "v1.37.2",
				"k8s.io/component-base/version.gitMajor":     "1",
				"k8s.io/component-base/version.gitMinor":     "37",
				"k8s.io/component-base/version.gitTreeState": "clean",
			},
		},
		{
			Name: "csi", Version: "6.4.0",
			Programs: map[string]string{
				"csi-provisioner": "github.com/kubernetes-csi/external-provisioner/v6/cmd/csi-provisioner",
				"csi-resizer":     "github.com/kubernetes-csi/external-resizer/v2/cmd/csi-resizer",
			},
		},
		{
			Name: "kwok", Version: "0.8.0",
			Programs: map[string]string{"kwok": "sigs.k8s.io/kwok/cmd/kwok"},
		},
		{
			Name: "versitygw", Version: "1.8.0",
			Programs: map[string]string{"versitygw": "github.com/versity/versitygw/cmd/versitygw"},
		},
	}
}

// Named returns the parts of the given names, or the essential ones if none
// is given.
func Named(names []string) ([]Part, error) {
	var known []string
	var chosen []Part
	for _, p := range All() {
		known = append(known, p.Name)
		if slices.Contains(names, p.Name) || (len(names) == 0 && p.Essential) {
			chosen = append(chosen, p)
		}
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("there is no part %q: the parts are %s", name, strings.Join(known, ", "))
		}
	}
	return chosen, nil
}

// sources returns the part's module files under the names they have on disk.
func (p Part) sources() (map[string][]byte, error) {
	dir := path.Join("modules", p.Name)
	entries, err := fs.ReadDir(modules, dir)
	if err != nil {
		return nil, fmt.Errorf("reading the pinned module of part %s: %w", p.Name, err)
	}
	files := map[string][]byte{}
	for _, entry := range entries {
		content, err := fs.ReadFile(modules, path.Join(dir, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading the pinned module of part %s: %w", p.Name, err)
		}
		files[strings.TrimSuffix(entry.Name(), ".txt")] = content
	}
	return files, nil
}

// buildArgs are the arguments of the go command that builds the part into dir.
func (p Part) buildArgs(dir string) []string {
	// Debug information is dropped by the linker anyway; not generating it
	// saves about a tenth of the compile time.
	linker := []string{"-s", "-w"}
	for _, name := range sorted(p.Variables) {
		linker = append(linker, "-X", name+"="+p.Variables[name])
	}
	args := []string{"build", "-v", "-mod=readonly", "-buildvcs=false", "-trimpath",
		"-gcflags=all=-dwarf=false", "-ldflags=" + strings.Join(linker, " ")}
	if len(p.Tags) > 0 {
		args = append(args, "-tags="+strings.Join(p.Tags, ","))
	}
	args = append(args, "-o", dir+"/")
	for _, program := range sorted(p.Programs) {
		args = append(args, p.Programs[program])
	}
	return args
}

// key names the part's directory in the cache.
func (p Part) key() (string, error) {
	files, err := p.sources()
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	for _, name := range sorted(files) {
		fmt.Fprintf(hash, "%s %d\n%s", name, len(files[name]), files[name])
	}
	fmt.Fprintf(hash, "%s/%s %q %q", runtime.GOOS, runtime.GOARCH, sorted(p.Programs), p.buildArgs(""))
	return fmt.Sprintf("%s-%s-%s", p.Name, p.Version, hex.EncodeToString(hash.Sum(nil))[:12]), nil
}
