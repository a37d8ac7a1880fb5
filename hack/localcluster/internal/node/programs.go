package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"chatpdf.dev/operator/hack/localcluster/internal/spec"
	"chatpdf.dev/operator/hack/localcluster/internal/supervise"
)

// environment finds the cluster's programs first (containerd its shim), then
// runc, nft and mount where Debian puts them.
func environment(s spec.Spec) []string {
	return []string{"PATH=" + s.Programs + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}
}

func program(s spec.Spec, i int, name string, args ...string) supervise.Program {
	return supervise.Program{
		Name: name,
		Argv: append([]string{s.Program(name)}, args...),
		Env:  environment(s),
		Log:  s.NodeLog(i, name),
	}
}

func containerd(s spec.Spec, i int) supervise.Program {
	return program(s, i, "containerd", "--config="+filepath.Join(s.NodeDir(i), "containerd.toml"))
}

func kubelet(s spec.Spec, i int) supervise.Program {
	return program(s, i, "kubelet",
		"--config="+filepath.Join(s.NodeDir(i), "kubelet.yaml"),
		"--kubeconfig="+s.Kubeconfig("kubelet-"+spec.NodeName(i)),
		"--root-dir="+kubeletDir,
		"--hostname-override="+spec.NodeName(i),
		"--node-ip="+s.Node(i).String(),
		fmt.Sprintf("--node-labels=topology.kubernetes.io/region=local,topology.kubernetes.io/zone=zone-%d", i),
	)
}

// csiNode is the part of the CSI driver that mounts.
func csiNode(s spec.Spec, i int) supervise.Program {
	return supervise.Program{
		Name: "csi-node",
		Argv: []string{"/proc/self/exe", "internal", "csi-node", s.Dir, strconv.Itoa(i), kubeletDir},
		Env:  environment(s),
		Log:  s.NodeLog(i, "csi-node"),
	}
}

func kubeProxy(s spec.Spec, i int) supervise.Program {
	return program(s, i, "kube-proxy",
		"--kubeconfig="+s.Kubeconfig("kube-proxy"),
		"--proxy-mode=nftables",
		"--cluster-cidr="+s.PodCIDR.String(),
		"--hostname-override="+spec.NodeName(i),
		// The conntrack limits are the host's, and read-only here.
		"--conntrack-max-per-core=0",
		"--conntrack-tcp-timeout-established=0s",
		"--conntrack-tcp-timeout-close-wait=0s",
	)
}

// importTimeout bounds one attempt to import the system images. The first
// attempts may fail because containerd listens before it serves.
const importTimeout = time.Minute

func importSystemImages(ctx context.Context, s spec.Spec, i int, supervisor *supervise.Supervisor) error {
	ctx, cancel := context.WithTimeout(ctx, importTimeout)
	defer cancel()
	ctr := program(s, i, "ctr", "--address="+containerdSocket, "--namespace=k8s.io", "images", "import", s.SystemImages)
	for {
		err := supervisor.Run(ctx, ctr)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// writeConfiguration writes the files that the node's programs read.
func writeConfiguration(s spec.Spec, i int) error {
	dir := s.NodeDir(i)
	if err := os.MkdirAll(filepath.Dir(s.NodeLog(i, "")), 0o755); err != nil {
		return fmt.Errorf("making the log directory of %s: %w", spec.NodeName(i), err)
	}
	for path, content := range map[string]string{
		filepath.Join(dir, "containerd.toml"):     containerdConfig(s, i),
		filepath.Join(dir, "kubelet.yaml"):        kubeletConfig(s, i),
		filepath.Join(dir, "resolv.conf"):         fmt.Sprintf("nameserver %s\n", s.DNSService()),
		filepath.Join(dir, "cni.d/pods.conflist"): podNetwork(s, i),
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("configuring %s: %w", spec.NodeName(i), err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return fmt.Errorf("configuring %s: %w", spec.NodeName(i), err)
		}
	}
	return nil
}
