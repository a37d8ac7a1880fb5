// Package csi is a small CSI driver for trying out what a driver's volumes can
// do and local volumes cannot: they grow while they are in use. A volume is a
// directory below the cluster's state, which every node sees; it is published
// by a bind mount. Sizes are recorded and told, not enforced.
//
// The real external-provisioner and external-resizer call the controller, a
// node's kubelet calls the node.
package csi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"

	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

// Name of the driver, which the storage class names.
const Name = "csi.localcluster.chatpdf.dev"

// topologyNode is the label by which a volume says on which node it lies.
const topologyNode = Name + "/node"

// Controller serves what the provisioner and the resizer call, on a socket in
// the control plane, until ctx is done.
func Controller(ctx context.Context, s spec.Spec, socket string) error {
	server := grpc.NewServer()
	csi.RegisterIdentityServer(server, identity{})
	csi.RegisterControllerServer(server, controller{volumes: volumes{s.CSIVolumes()}})
	return serve(ctx, server, socket)
}

// Node serves what the kubelet of node i calls, and tells that kubelet where,
// until ctx is done.
func Node(ctx context.Context, s spec.Spec, i int, kubeletDir string) error {
	socket := filepath.Join(kubeletDir, "plugins", Name, "csi.sock")
	server := grpc.NewServer()
	csi.RegisterIdentityServer(server, identity{})
	csi.RegisterNodeServer(server, node{volumes: volumes{s.CSIVolumes()}, name: spec.NodeName(i)})
	registrar := grpc.NewServer()
	registration.RegisterRegistrationServer(registrar, registry{socket: socket})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 2)
	go func() { ended <- serve(ctx, server, socket) }()
	go func() {
		ended <- serve(ctx, registrar, filepath.Join(kubeletDir, "plugins_registry", Name+"-reg.sock"))
	}()
	err := <-ended
	cancel()
	return errors.Join(err, <-ended)
}

// stopTimeout is how long calls that are under way may take when the driver ends.
const stopTimeout = 5 * time.Second

// serve answers on a socket, in the place of one that an earlier process left.
func serve(ctx context.Context, server *grpc.Server, socket string) error {
	if err := os.MkdirAll(filepath.Dir(socket), 0o750); err != nil {
		return fmt.Errorf("making the directory of %s: %w", socket, err)
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing an old socket: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	stop := context.AfterFunc(ctx, func() {
		force := time.AfterFunc(stopTimeout, server.Stop)
		server.GracefulStop()
		force.Stop()
	})
	defer stop()
	if err := server.Serve(listener); err != nil {
		return fmt.Errorf("serving on %s: %w", socket, err)
	}
	return nil
}

// identity says who the driver is and what it can do.
type identity struct {
	csi.UnimplementedIdentityServer
}

func (identity) GetPluginInfo(context.Context, *csi.GetPluginInfoRequest) (*csi.GetPluginInfoResponse, error) {
	return &csi.GetPluginInfoResponse{Name: Name, VendorVersion: "1"}, nil
}

func (identity) Probe(context.Context, *csi.ProbeRequest) (*csi.ProbeResponse, error) {
	return &csi.ProbeResponse{Ready: wrapperspb.Bool(true)}, nil
}

func (identity) GetPluginCapabilities(context.Context, *csi.GetPluginCapabilitiesRequest) (*csi.GetPluginCapabilitiesResponse, error) {
	service := func(kind csi.PluginCapability_Service_Type) *csi.PluginCapability {
		return &csi.PluginCapability{Type: &csi.PluginCapability_Service_{Service: &csi.PluginCapability_Service{Type: kind}}}
	}
	return &csi.GetPluginCapabilitiesResponse{Capabilities: []*csi.PluginCapability{
		service(csi.PluginCapability_Service_CONTROLLER_SERVICE),
		service(csi.PluginCapability_Service_VOLUME_ACCESSIBILITY_CONSTRAINTS),
		{Type: &csi.PluginCapability_VolumeExpansion_{VolumeExpansion: &csi.PluginCapability_VolumeExpansion{
			Type: csi.PluginCapability_VolumeExpansion_ONLINE,
		}}},
	}}, nil
}

// registry tells the kubelet where the driver answers, as a registrar beside
// the driver does elsewhere.
type registry struct {
	registration.UnimplementedRegistrationServer
	socket string
}

func (r registry) GetInfo(context.Context, *registration.InfoRequest) (*registration.PluginInfo, error) {
	return &registration.PluginInfo{Type: registration.CSIPlugin, Name: Name, Endpoint: r.socket, SupportedVersions: []string{"1.0.0"}}, nil
}

func (registry) NotifyRegistrationStatus(_ context.Context, status *registration.RegistrationStatus) (*registration.RegistrationStatusResponse, error) {
	if !status.PluginRegistered {
		return nil, fmt.Errorf("the kubelet refuses the driver: %s", status.Error)
	}
	return &registration.RegistrationStatusResponse{}, nil
}
