// Package box is the cluster's outermost namespace: its first process, the
// control plane, the bridge that joins the nodes, and the nodes themselves in
// namespaces below. Killing that first process ends all of it: the kernel
// takes every process, mount and link of the namespaces down with it.
package box

import (
	"context"
	"log/slog"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"chatpdf.dev/operator/hack/localcluster/internal/apiready"
	"chatpdf.dev/operator/hack/localcluster/internal/mounts"
	"chatpdf.dev/operator/hack/localcluster/internal/network"
	"chatpdf.dev/operator/hack/localcluster/internal/spec"
	"chatpdf.dev/operator/hack/localcluster/internal/supervise"
)

// Attributes start a box: namespaces of its own and no terminal.
func Attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		Setsid:     true,
	}
}

func nodeAttributes() *syscall.SysProcAttr {
	a := Attributes()
	a.Cloneflags |= syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC
	return a
}

// StatusFile is where the box keeps what runs in the control plane.
func StatusFile(s spec.Spec) string { return filepath.Join(s.Status(), "control-plane.json") }

// apiTimeout bounds the start of the API server.
const apiTimeout = 3 * time.Minute

// Run sets the box up and runs it until ctx is done.
func Run(ctx context.Context, s spec.Spec, log *slog.Logger) error {
	if err := mounts.Isolate(); err != nil {
		return err
	}
	if err := supervise.Gate(); err != nil {
		return err
	}
	if err := mounts.Cover("/run", "", s.Dir, s.Cache, s.Programs); err != nil {
		return err
	}
	if err := network.Box(s); err != nil {
		return err
	}
	supervisor := supervise.New(ctx, StatusFile(s), log)
	go supervisor.Keep(ctx, etcd(s))
	go supervisor.Keep(ctx, apiServer(s))
	for i := 1; i <= s.Nodes; i++ {
		go supervisor.Keep(ctx, node(s, i))
	}
	if err := apiready.Wait(ctx, s, apiTimeout); err != nil {
		return err
	}
	go supervisor.Keep(ctx, controllerManager(s))
	go supervisor.Keep(ctx, scheduler(s))
	go supervisor.Keep(ctx, provisioner(s))
	if s.CSI {
		for _, program := range csiPrograms(s) {
			go supervisor.Keep(ctx, program)
		}
	}
	<-ctx.Done()
	return nil
}

// self is this very program, also if its file has been replaced since.
const self = "/proc/self/exe"

func node(s spec.Spec, i int) supervise.Program {
	return supervise.Program{
		Name:       spec.NodeName(i),
		Argv:       []string{self, "internal", "node", s.Dir, strconv.Itoa(i)},
		Env:        environment(),
		Log:        s.Log(spec.NodeName(i)),
		Attributes: nodeAttributes(),
		Attach:     func(pid int) error { return network.AttachNode(i, pid) },
	}
}

func provisioner(s spec.Spec) supervise.Program {
	return supervise.Program{
		Name: "provisioner",
		Argv: []string{self, "internal", "provisioner", s.Dir},
		Env:  environment(),
		Log:  s.Log("provisioner"),
	}
}

// csiSocket is where the CSI driver's controller answers, inside the box.
const csiSocket = "/run/csi.sock"

// csiPrograms are the controller of the CSI driver and the two that make calls
// to it of what the API server says.
func csiPrograms(s spec.Spec) []supervise.Program {
	shared := []string{"--csi-address=" + csiSocket, "--kubeconfig=" + s.Kubeconfig("provisioner"), "--leader-election=false", "--timeout=30s"}
	return []supervise.Program{
		{
			Name: "csi-controller",
			Argv: []string{self, "internal", "csi-controller", s.Dir, csiSocket},
			Env:  environment(),
			Log:  s.Log("csi-controller"),
		},
		program(s, "csi-provisioner", append(shared, "--feature-gates=Topology=true")...),
		program(s, "csi-resizer", shared...),
	}
}

func environment() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}
}
