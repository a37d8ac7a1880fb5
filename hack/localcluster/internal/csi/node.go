package csi

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// node shows volumes to the pods of one node.
type node struct {
	csi.UnimplementedNodeServer
	volumes volumes
	name    string
}

func (n node) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	return &csi.NodeGetInfoResponse{NodeId: n.name, AccessibleTopology: &csi.Topology{Segments: map[string]string{topologyNode: n.name}}}, nil
}

func (node) NodeGetCapabilities(context.Context, *csi.NodeGetCapabilitiesRequest) (*csi.NodeGetCapabilitiesResponse, error) {
	return &csi.NodeGetCapabilitiesResponse{}, nil
}

// NodePublishVolume binds the volume's directory to where the kubelet wants it; once is enough.
func (n node) NodePublishVolume(_ context.Context, r *csi.NodePublishVolumeRequest) (*csi.NodePublishVolumeResponse, error) {
	content, err := n.volumes.content(r.VolumeId)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(r.TargetPath, 0o750); err != nil {
		return nil, fmt.Errorf("making %s: %w", r.TargetPath, err)
	}
	switch mounted, err := isMountPoint(r.TargetPath); {
	case err != nil:
		return nil, err
	case mounted:
		return &csi.NodePublishVolumeResponse{}, nil
	}
	if err := unix.Mount(content, r.TargetPath, "", unix.MS_BIND, ""); err != nil {
		return nil, fmt.Errorf("binding volume %s to %s: %w", r.VolumeId, r.TargetPath, err)
	}
	if r.Readonly {
		if err := unix.Mount("", r.TargetPath, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			return nil, errors.Join(fmt.Errorf("making %s read-only: %w", r.TargetPath, err), unix.Unmount(r.TargetPath, 0))
		}
	}
	return &csi.NodePublishVolumeResponse{}, nil
}

// NodeUnpublishVolume takes the directory away again, if it is there.
func (n node) NodeUnpublishVolume(_ context.Context, r *csi.NodeUnpublishVolumeRequest) (*csi.NodeUnpublishVolumeResponse, error) {
	if r.TargetPath == "" {
		return nil, status.Error(codes.InvalidArgument, "no target path")
	}
	err := unix.Unmount(r.TargetPath, 0)
	if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return nil, fmt.Errorf("unmounting %s: %w", r.TargetPath, err)
	}
	// Only an empty directory goes: never what a volume holds.
	if err := os.Remove(r.TargetPath); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("removing %s: %w", r.TargetPath, err)
	}
	return &csi.NodeUnpublishVolumeResponse{}, nil
}

// isMountPoint says that something is mounted there. A bind mount of the same file system has the same
// device number, so that the mount's own number is compared.
func isMountPoint(path string) (bool, error) {
	var here, above unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_MNT_ID, &here); err != nil {
		return false, fmt.Errorf("looking at %s: %w", path, err)
	}
	if err := unix.Statx(unix.AT_FDCWD, path+"/..", unix.AT_SYMLINK_NOFOLLOW, unix.STATX_MNT_ID, &above); err != nil {
		return false, fmt.Errorf("looking above %s: %w", path, err)
	}
	return here.Mnt_id != above.Mnt_id, nil
}
