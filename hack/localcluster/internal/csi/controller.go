package csi

import (
	"context"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// defaultSize in bytes is that of a volume for which none is asked.
const defaultSize = 1 << 30

// controller makes, removes and grows volumes.
type controller struct {
	csi.UnimplementedControllerServer
	volumes volumes
}

func (controller) ControllerGetCapabilities(context.Context, *csi.ControllerGetCapabilitiesRequest) (*csi.ControllerGetCapabilitiesResponse, error) {
	var all []*csi.ControllerServiceCapability
	for _, kind := range []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME, csi.ControllerServiceCapability_RPC_EXPAND_VOLUME,
	} {
		all = append(all, &csi.ControllerServiceCapability{Type: &csi.ControllerServiceCapability_Rpc{Rpc: &csi.ControllerServiceCapability_RPC{Type: kind}}})
	}
	return &csi.ControllerGetCapabilitiesResponse{Capabilities: all}, nil
}

func (c controller) CreateVolume(_ context.Context, r *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	if why := notADirectory(r.VolumeCapabilities); why != "" {
		return nil, status.Error(codes.InvalidArgument, why)
	}
	if r.VolumeContentSource != nil {
		return nil, status.Error(codes.InvalidArgument, "volumes start empty here: no snapshot and no other volume can be their source")
	}
	at := r.GetAccessibilityRequirements().GetPreferred()
	if len(at) == 0 {
		return nil, status.Error(codes.InvalidArgument, "a volume lies on the node of its pod: the storage class must bind with WaitForFirstConsumer")
	}
	size := r.GetCapacityRange().GetRequiredBytes()
	if size == 0 {
		size = defaultSize
	}
	if err := c.volumes.create(r.Name, size); err != nil {
		return nil, err
	}
	return &csi.CreateVolumeResponse{Volume: &csi.Volume{VolumeId: r.Name, CapacityBytes: size, AccessibleTopology: at[:1]}}, nil
}

func (c controller) DeleteVolume(_ context.Context, r *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	return &csi.DeleteVolumeResponse{}, c.volumes.remove(r.VolumeId)
}

func (c controller) ValidateVolumeCapabilities(_ context.Context, r *csi.ValidateVolumeCapabilitiesRequest) (*csi.ValidateVolumeCapabilitiesResponse, error) {
	if _, err := c.volumes.size(r.VolumeId); err != nil {
		return nil, err
	}
	if why := notADirectory(r.VolumeCapabilities); why != "" {
		return &csi.ValidateVolumeCapabilitiesResponse{Message: why}, nil
	}
	return &csi.ValidateVolumeCapabilitiesResponse{
		Confirmed: &csi.ValidateVolumeCapabilitiesResponse_Confirmed{VolumeCapabilities: r.VolumeCapabilities},
	}, nil
}

// ControllerExpandVolume grows a volume, in use or not; nothing is left for its node to do.
func (c controller) ControllerExpandVolume(_ context.Context, r *csi.ControllerExpandVolumeRequest) (*csi.ControllerExpandVolumeResponse, error) {
	have, err := c.volumes.size(r.VolumeId)
	if err != nil {
		return nil, err
	}
	want := max(have, r.GetCapacityRange().GetRequiredBytes())
	if want != have {
		if err := c.volumes.resize(r.VolumeId, want); err != nil {
			return nil, err
		}
	}
	return &csi.ControllerExpandVolumeResponse{CapacityBytes: want}, nil
}

// notADirectory says why a directory cannot be what is wanted; empty if it can.
func notADirectory(wanted []*csi.VolumeCapability) string {
	for _, one := range wanted {
		if one.GetBlock() != nil {
			return "block volumes are not supported: use volumeMode Filesystem"
		}
		switch one.GetAccessMode().GetMode() {
		case csi.VolumeCapability_AccessMode_MULTI_NODE_READER_ONLY, csi.VolumeCapability_AccessMode_MULTI_NODE_SINGLE_WRITER,
			csi.VolumeCapability_AccessMode_MULTI_NODE_MULTI_WRITER:
			return "a volume lies on one node: ask for ReadWriteOnce"
		}
	}
	return ""
}
