package node

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"chatpdf.dev/operator/hack/localcluster/internal/images"
	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

func example() spec.Spec {
	return spec.Spec{
		Name: "chatpdf", Nodes: 2, Dir: "/state/chatpdf", Programs: "/cache/bin/all",
		Subnet:      netip.MustParsePrefix("10.200.0.0/24"),
		PodCIDR:     netip.MustParsePrefix("10.244.0.0/16"),
		ServiceCIDR: netip.MustParsePrefix("10.96.0.0/16"),
	}
}

func TestNodesDifferInZoneAddressAndCgroup(t *testing.T) {
	s := example()
	args := kubelet(s, 2).Argv
	for _, want := range []string{"--node-ip=10.200.0.12", "--hostname-override=node2",
		"--node-labels=topology.kubernetes.io/region=local,topology.kubernetes.io/zone=zone-2"} {
		if !slices.Contains(args, want) {
			t.Errorf("kubelet lacks %s: %v", want, args)
		}
	}
	var config map[string]any
	if err := yaml.UnmarshalStrict([]byte(kubeletConfig(s, 2)), &config); err != nil {
		t.Fatal(err)
	}
	if config["cgroupRoot"] != "/cpf-chatpdf/node2" {
		t.Errorf("its pods are in the cgroup %v", config["cgroupRoot"])
	}
	if config["imageGCHighThresholdPercent"] != float64(100) {
		t.Error("images that cannot be pulled again would be collected")
	}
}

func TestPodNetworkIsTheNodesOwnRangeWithoutMasquerading(t *testing.T) {
	var network struct {
		Plugins []struct {
			Type   string
			IPMasq bool
			IPAM   struct {
				Ranges [][]struct{ Subnet string }
			}
		}
	}
	if err := json.Unmarshal([]byte(podNetwork(example(), 2)), &network); err != nil {
		t.Fatal(err)
	}
	bridge := network.Plugins[0]
	if bridge.Type != "bridge" || bridge.IPMasq || bridge.IPAM.Ranges[0][0].Subnet != "10.244.2.0/24" {
		t.Errorf("got %+v", bridge)
	}
}

func TestContainerdRunsTheImportedPauseImage(t *testing.T) {
	config := containerdConfig(example(), 1)
	for _, want := range []string{`sandbox = "` + images.Pause + `"`, "restrict_oom_score_adj = true", `conf_dir = "/state/chatpdf/node1/cni.d"`,
		`config_path = "/state/chatpdf/node1/registries"`} {
		if !strings.Contains(config, want) {
			t.Errorf("it lacks %s", want)
		}
	}
}
