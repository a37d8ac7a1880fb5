package csi

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

func request(name string, size int64) *csi.CreateVolumeRequest {
	return &csi.CreateVolumeRequest{
		Name: name, CapacityRange: &csi.CapacityRange{RequiredBytes: size},
		AccessibilityRequirements: &csi.TopologyRequirement{Preferred: []*csi.Topology{
			{Segments: map[string]string{topologyNode: "node2"}}, {Segments: map[string]string{topologyNode: "node1"}},
		}},
	}
}

func TestAVolumeGrowsAndKeepsWhatItHolds(t *testing.T) {
	c := controller{volumes: volumes{t.TempDir()}}
	for range 2 { // asked again it is the same
		made, err := c.CreateVolume(t.Context(), request("pvc-1", 1000))
		if err != nil || made.Volume.CapacityBytes != 1000 || made.Volume.AccessibleTopology[0].Segments[topologyNode] != "node2" || len(made.Volume.AccessibleTopology) != 1 {
			t.Fatalf("%v (%v)", made, err)
		}
	}
	if _, err := c.CreateVolume(t.Context(), request("pvc-1", 2000)); status.Code(err) != codes.AlreadyExists {
		t.Errorf("another volume of that name: %v", err)
	}
	content, err := c.volumes.content("pvc-1")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(content, "kept"), []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{3000, 3000, 2000} { // it never shrinks
		grown, err := c.ControllerExpandVolume(t.Context(), &csi.ControllerExpandVolumeRequest{VolumeId: "pvc-1", CapacityRange: &csi.CapacityRange{RequiredBytes: size}})
		if err != nil || grown.CapacityBytes != 3000 || grown.NodeExpansionRequired {
			t.Errorf("grown to %d: %v (%v)", size, grown, err)
		}
	}
	if kept, err := os.ReadFile(filepath.Join(content, "kept")); err != nil || string(kept) != "kept" {
		t.Errorf("%q (%v)", kept, err)
	}
	for range 2 {
		if _, err := c.DeleteVolume(t.Context(), &csi.DeleteVolumeRequest{VolumeId: "pvc-1"}); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(content); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its directory is still there: %v", err)
	}
	if _, err := c.ControllerExpandVolume(t.Context(), &csi.ControllerExpandVolumeRequest{VolumeId: "pvc-1"}); status.Code(err) != codes.NotFound {
		t.Errorf("a volume that is gone: %v", err)
	}
}

func TestWhatADirectoryCannotBeIsRefused(t *testing.T) {
	root := t.TempDir()
	c := controller{volumes: volumes{root}}
	for what, change := range map[string]func(*csi.CreateVolumeRequest){
		"a device": func(r *csi.CreateVolumeRequest) {
			r.VolumeCapabilities = []*csi.VolumeCapability{{AccessType: &csi.VolumeCapability_Block{Block: &csi.VolumeCapability_BlockVolume{}}}}
		},
		"on every node": func(r *csi.CreateVolumeRequest) {
			r.VolumeCapabilities = []*csi.VolumeCapability{{AccessMode: &csi.VolumeCapability_AccessMode{Mode: csi.VolumeCapability_AccessMode_MULTI_NODE_MULTI_WRITER}}}
		},
		"of a snapshot":  func(r *csi.CreateVolumeRequest) { r.VolumeContentSource = &csi.VolumeContentSource{} },
		"on no node":     func(r *csi.CreateVolumeRequest) { r.AccessibilityRequirements = nil },
		"outside":        func(r *csi.CreateVolumeRequest) { r.Name = "../outside" },
		"without a name": func(r *csi.CreateVolumeRequest) { r.Name = "" },
	} {
		r := request("pvc-1", 1000)
		change(r)
		if _, err := c.CreateVolume(t.Context(), r); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", what, err)
		}
	}
	if made, err := os.ReadDir(root); err != nil || len(made) > 0 {
		t.Errorf("made %v (%v)", made, err)
	}
}

func TestAVolumeIsShownWhereTheKubeletWantsItAndKeptWhenItIsTakenAway(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting takes root")
	}
	v := volumes{t.TempDir()}
	if err := v.create("pvc-1", 1000); err != nil {
		t.Fatal(err)
	}
	n := node{volumes: v, name: "node1"}
	target := filepath.Join(t.TempDir(), "pod", "mount")
	for range 2 {
		if _, err := n.NodePublishVolume(t.Context(), &csi.NodePublishVolumeRequest{VolumeId: "pvc-1", TargetPath: target}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(target, "kept"), nil, 0o600); err != nil {
		t.Error(err)
	}
	for range 2 {
		if _, err := n.NodeUnpublishVolume(t.Context(), &csi.NodeUnpublishVolumeRequest{VolumeId: "pvc-1", TargetPath: target}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(target); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(v.root, "pvc-1", "content", "kept")); err != nil {
		t.Error(err)
	}
	if _, err := n.NodePublishVolume(t.Context(), &csi.NodePublishVolumeRequest{VolumeId: "pvc-2", TargetPath: target}); status.Code(err) != codes.NotFound {
		t.Errorf("a volume that is not there: %v", err)
	}
}

// TestTheDriverAnswersOnItsSocketUntilItIsEnded also leaves the socket of a driver that was killed behind.
func TestTheDriverAnswersOnItsSocketUntilItIsEnded(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "csi.sock")
	if err := os.WriteFile(socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Controller(ctx, spec.Spec{Dir: t.TempDir()}, socket) }()
	connection, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	info, err := csi.NewIdentityClient(connection).GetPluginInfo(t.Context(), &csi.GetPluginInfoRequest{}, grpc.WaitForReady(true))
	if err != nil || info.Name != Name {
		t.Errorf("%v (%v)", info, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
