package node

import (
	"fmt"
	"path/filepath"

	"chatpdf.dev/operator/hack/localcluster/internal/images"
	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

// containerdConfig configures the containerd of node i.
func containerdConfig(s spec.Spec, i int) string {
	dir := s.NodeDir(i)
	return fmt.Sprintf(`version = 3
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
  address = %q

[plugins.'io.containerd.internal.v1.opt']
  path = "/var/lib/containerd/opt"

# What a node that lives for minutes loses in a crash is of no interest.
[plugins.'io.containerd.metadata.v1.bolt']
  no_sync = true

[plugins.'io.containerd.nri.v1.nri']
  disable = true

[plugins.'io.containerd.cri.v1.runtime']
  # Without CAP_SYS_RESOURCE a negative score is refused and no sandbox starts.
  restrict_oom_score_adj = true
  enable_unprivileged_ports = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["/usr/lib/cni", "/opt/cni/bin"]
    conf_dir = %q
    use_internal_loopback = true
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      SystemdCgroup = false

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = %q
[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = %q
`, containerdSocket, filepath.Join(dir, "cni.d"), images.Pause, s.Registries(i))
}

// podNetwork connects pods to a bridge on the node. There is no masquerading:
// host, box and nodes have routes to every pod, so pods see each other's real
// addresses.
func podNetwork(s spec.Spec, i int) string {
	return fmt.Sprintf(`{
  "cniVersion": "1.0.0",
  "name": "pods",
  "plugins": [
    {
      "type": "bridge", "bridge": "pods0", "isGateway": true, "hairpinMode": true,
      "ipam": {
        "type": "host-local", "dataDir": "/run/cni-addresses",
        "ranges": [[{"subnet": %q}]], "routes": [{"dst": "0.0.0.0/0"}]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`, s.Pods(i))
}

func kubeletConfig(s spec.Spec, i int) string {
	certificate := filepath.Join(s.PKI(), "kubelet-"+spec.NodeName(i))
	return fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://%s
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: %s}
authorization: {mode: Webhook}
tlsCertFile: %s.crt
tlsPrivateKeyFile: %s.key
cgroupDriver: cgroupfs
cgroupRoot: %s
failCgroupV1: false
failSwapOn: false
clusterDNS: [%q]
clusterDomain: cluster.local
resolvConf: %s
volumePluginDir: %s/volume-plugins
# Images that were loaded cannot be pulled again, so they are never collected.
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 50Mi, nodefs.available: 1%%, imagefs.available: 1%%}
`, containerdSocket, filepath.Join(s.PKI(), "ca.crt"), certificate, certificate, s.NodeCgroup(i), s.DNSService(),
		filepath.Join(s.NodeDir(i), "resolv.conf"), kubeletDir)
}
