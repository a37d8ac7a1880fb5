package stack

import (
	"k8s.io/apimachinery/pkg/api/resource"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
)

// VolumeSize is what a member's claim asks for, and what its volume has.
type VolumeSize struct{ Asks, Has resource.Quantity }

// How much of what a volume has its file system must show, in percent, before its use says anything about the
// volume: less, and the file system has yet to grow, or was measured before it did, by
// a quarter; more, and the volume is a directory of a larger one.
const leastOfVolume, mostOfVolume = 90, 105

// WantedVolumeSize is what each member's volume should have. Where volumes may grow by themselves that is a
// quarter more than they have when the primary's is filling, and what they have grown to once.
func WantedVolumeSize(spec v1alpha1.ChatPDFDeploymentSpec, live []VolumeSize, disk mongodb.Disk) resource.Quantity {
	wanted := StorageSize(spec)
	growth := spec.MongoDB.Storage.Growth
	if growth == nil || growth.MaxSize == nil {
		return wanted
	}
	for _, volume := range live {
		if volume.Asks.Cmp(wanted) > 0 && volume.Asks.Cmp(*growth.MaxSize) <= 0 {
			wanted = volume.Asks
		}
	}
	for _, volume := range live {
		if volume.Has.Cmp(wanted) < 0 {
			return wanted // it grows already
		}
	}
	shows := disk.Total / max(1, wanted.Value()/100) // percent
	if len(live) == 0 || disk.UsedPercent < DiskFillingPercent || shows < leastOfVolume || shows > mostOfVolume {
		return wanted
	}
	const gibi = 1 << 30
	larger := resource.NewQuantity((wanted.Value()*5/4+gibi-1)/gibi*gibi, resource.BinarySI)
	if larger.Cmp(*growth.MaxSize) > 0 {
		limit := growth.MaxSize.DeepCopy()
		limit.RoundUp(0)
		larger = &limit
	}
	if larger.Cmp(wanted) <= 0 {
		return wanted
	}
	return *larger
}
