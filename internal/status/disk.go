package status

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/stack"
)

// diskFull is the use, in percent, from which a database is about to stop: a checkpoint, and the copy that a
// member makes of another, need room of their own.
const diskFull = 95

// disk sets the condition of the primary's volume; what was said last stands until it is measured.
func (c conditions) disk(f Facts) {
	disk := f.Observed.Database.Disk
	if disk.Total == 0 {
		return
	}
	const remedy = "Raise spec.mongodb.storage.size, or delete documents."
	switch {
	case disk.UsedPercent >= diskFull:
		c.set(v1alpha1.ConditionDatabaseDiskSufficient, metav1.ConditionFalse, ReasonDiskFull, fmt.Sprintf(
			"The volume of the database's primary is %d %% full or more: MongoDB stops when nothing is left. %s", disk.UsedPercent, remedy))
	case disk.UsedPercent >= stack.DiskFillingPercent:
		c.set(v1alpha1.ConditionDatabaseDiskSufficient, metav1.ConditionFalse, ReasonDiskFilling, fmt.Sprintf(
			"The volume of the database's primary is %d %% full or more. %s", disk.UsedPercent, remedy))
	default:
		c.set(v1alpha1.ConditionDatabaseDiskSufficient, metav1.ConditionTrue, ReasonDiskSufficient, fmt.Sprintf(
			"The volume of the database's primary is less than %d %% full.", stack.DiskFillingPercent))
	}
}
