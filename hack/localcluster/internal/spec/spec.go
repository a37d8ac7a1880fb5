// Package spec says what one cluster is: its name, its nodes, its addresses
// and where its files lie. It is written once by up and read by every process
// of the cluster; everything else is derived from it, here.
package spec

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
)

// MaxNodes bounds the nodes of one cluster: each costs about 250 MB of memory.
const MaxNodes = 20

// Spec is one cluster.
type Spec struct {
	Name  string `json:"name"`
	Nodes int    `json:"nodes"`
	// Subnet joins the host, the control plane and the nodes; PodCIDR and
	// ServiceCIDR are Kubernetes' own ranges. The host has a route to all three.
	Subnet      netip.Prefix `json:"subnet"`
	PodCIDR     netip.Prefix `json:"podCIDR"`
	ServiceCIDR netip.Prefix `json:"serviceCIDR"`
	// CSI says that there is a CSI driver, whose volumes can grow, beside the
	// local volumes.
	CSI bool `json:"csi,omitempty"`
	// Dir is the directory of the cluster's state.
	Dir string `json:"dir"`
	// Cache is the directory of built programs and images: read only.
	Cache string `json:"cache"`
	// Programs is the directory with the cluster's programs.
	Programs string `json:"programs"`
	// SystemImages is the archive that every node imports as it starts.
	SystemImages string `json:"systemImages"`
}

// The name goes into interface names, which hold 15 bytes.
var validName = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,9}[a-z0-9])?$`)

// Validate says what is wrong with the spec, in terms of the command's flags.
func (s Spec) Validate() error {
	var errs []error
	if !validName.MatchString(s.Name) {
		errs = append(errs, fmt.Errorf("--name %q must be at most 11 lower-case letters, digits and hyphens, beginning with a letter", s.Name))
	}
	if s.Nodes < 1 || s.Nodes > MaxNodes {
		errs = append(errs, fmt.Errorf("--nodes %d must lie between 1 and %d", s.Nodes, MaxNodes))
	}
	errs = append(errs,
		checkRange("--subnet", s.Subnet, 16, 26),
		checkRange("--pod-cidr", s.PodCIDR, 8, 19),
		checkRange("--service-cidr", s.ServiceCIDR, 12, 24),
	)
	ranges := map[string]netip.Prefix{"--subnet": s.Subnet, "--pod-cidr": s.PodCIDR, "--service-cidr": s.ServiceCIDR}
	for _, pair := range [][2]string{{"--subnet", "--pod-cidr"}, {"--subnet", "--service-cidr"}, {"--pod-cidr", "--service-cidr"}} {
		if a, b := ranges[pair[0]], ranges[pair[1]]; a.IsValid() && b.IsValid() && a.Overlaps(b) {
			errs = append(errs, fmt.Errorf("%s %s and %s %s overlap: choose ranges that do not", pair[0], a, pair[1], b))
		}
	}
	return errors.Join(errs...)
}

func checkRange(flag string, p netip.Prefix, widest, narrowest int) error {
	switch {
	case !p.IsValid() || !p.Addr().Is4():
		return fmt.Errorf("%s must be an IPv4 range such as 10.200.0.0/24", flag)
	case p != p.Masked():
		return fmt.Errorf("%s %s must begin at its first address: %s", flag, p, p.Masked())
	case p.Bits() < widest || p.Bits() > narrowest:
		return fmt.Errorf("%s %s must have a prefix between /%d and /%d", flag, p, widest, narrowest)
	}
	return nil
}

// Box is the control plane's address: that of the API server.
func (s Spec) Box() netip.Addr { return at(s.Subnet, 1) }

// Node is the address of node i, counted from 1.
func (s Spec) Node(i int) netip.Addr { return at(s.Subnet, 10+i) }

// Host is the host's own address in the subnet: its last one.
func (s Spec) Host() netip.Addr { return at(s.Subnet, 1<<(32-s.Subnet.Bits())-2) }

// MaxRelays bounds the servers outside that one cluster may reach.
const MaxRelays = 16

// Relay is the host's address in the subnet under which pods reach server i outside of the cluster,
// counted from 0: they lie below the host's own, so that two servers may have the same port.
func (s Spec) Relay(i int) netip.Addr { return at(s.Subnet, 1<<(32-s.Subnet.Bits())-3-i) }

// Pods is the pod range of node i.
func (s Spec) Pods(i int) netip.Prefix { return netip.PrefixFrom(at(s.PodCIDR, i<<8), 24) }

// KubernetesService is the address of the Service that stands for the API
// server: by convention the first one.
func (s Spec) KubernetesService() netip.Addr { return at(s.ServiceCIDR, 1) }

// DNSService is the address of the cluster's DNS: by convention the tenth.
func (s Spec) DNSService() netip.Addr { return at(s.ServiceCIDR, 10) }

// APIServer is the URL of the API server.
func (s Spec) APIServer() string { return fmt.Sprintf("https://%s:6443", s.Box()) }

// HostLink and BoxLink are the two ends of the link between host and cluster.
func (s Spec) HostLink() string { return "cpf-" + s.Name }

// BoxLink is the end inside the cluster.
func (s Spec) BoxLink() string { return "host" }

// CgroupRoot is the cgroup, relative to each hierarchy, below which the pods
// of all the cluster's nodes live.
func (s Spec) CgroupRoot() string { return "/cpf-" + s.Name }

// NodeCgroup is the cgroup of one node's pods.
func (s Spec) NodeCgroup(i int) string { return filepath.Join(s.CgroupRoot(), NodeName(i)) }

// NodeName is the name of node i, counted from 1.
func NodeName(i int) string { return fmt.Sprintf("node%d", i) }

// PKI is the directory of the cluster's keys and certificates.
func (s Spec) PKI() string { return filepath.Join(s.Dir, "pki") }

// Logs is the directory of every program's log.
func (s Spec) Logs() string { return filepath.Join(s.Dir, "log") }

// Log is the log file of a program of the control plane.
func (s Spec) Log(program string) string { return filepath.Join(s.Logs(), program+".log") }

// NodeLog is the log file of a program of a node.
func (s Spec) NodeLog(i int, program string) string {
	return filepath.Join(s.Logs(), NodeName(i), program+".log")
}

// Status is the directory of the supervisors' status files.
func (s Spec) Status() string { return filepath.Join(s.Dir, "status") }

// Volumes is the directory of the persistent volumes' content.
func (s Spec) Volumes() string { return filepath.Join(s.Dir, "volumes") }

// CSIVolumes is the directory of the CSI driver's volumes.
func (s Spec) CSIVolumes() string { return filepath.Join(s.Dir, "csi-volumes") }

// NodeDir is the directory of one node's own files.
func (s Spec) NodeDir(i int) string { return filepath.Join(s.Dir, NodeName(i)) }

// Registries is the directory where a node's containerd looks up what it has to
// know of image registries.
func (s Spec) Registries(i int) string { return filepath.Join(s.NodeDir(i), "registries") }

// Containerd is the socket of a node's containerd, seen from the host. Inside
// the node the same file lies below /var/lib.
func (s Spec) Containerd(i int) string { return filepath.Join(s.NodeDir(i), "lib", "containerd.sock") }

// Kubeconfig is the kubeconfig of one user of the cluster.
func (s Spec) Kubeconfig(user string) string { return filepath.Join(s.PKI(), user+".kubeconfig") }

// AdminKubeconfig is the kubeconfig for people.
func (s Spec) AdminKubeconfig() string { return filepath.Join(s.Dir, "kubeconfig") }

// Program is the path of one of the cluster's programs.
func (s Spec) Program(name string) string { return filepath.Join(s.Programs, name) }

// Save writes the spec to its directory.
func (s Spec) Save() error {
	content, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(s.Dir, "spec.json"), content, 0o644)
	}
	if err != nil {
		return fmt.Errorf("recording the cluster's shape: %w", err)
	}
	return nil
}

// Load reads the spec of the cluster whose state is in dir.
func Load(dir string) (Spec, error) {
	var s Spec
	content, err := os.ReadFile(filepath.Join(dir, "spec.json"))
	if err == nil {
		err = json.Unmarshal(content, &s)
	}
	if err != nil {
		return Spec{}, fmt.Errorf("reading the cluster's shape: %w", err)
	}
	return s, nil
}

// at returns the address that lies offset after the first one of p.
func at(p netip.Prefix, offset int) netip.Addr {
	a := p.Addr().As4()
	n := uint32(a[0])<<24 | uint32(a[1])<<16 | uint32(a[2])<<8 | uint32(a[3])
	n += uint32(offset)
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}
