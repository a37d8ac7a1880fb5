package status

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
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
	was := ""
	if c := meta.FindStatusCondition(*c.list, v1alpha1.ConditionDatabaseDiskSufficient); c != nil {
		was = c.Reason
	}
	const remedy = "Raise spec.mongodb.storage.size, or delete documents."
	switch {
	case atLeast(disk.UsedPercent, diskFull, was == ReasonDiskFull):
		c.set(v1alpha1.ConditionDatabaseDiskSufficient, metav1.ConditionFalse, ReasonDiskFull, fmt.Sprintf(
			"The volume of the database's primary is about %d %% full or more: MongoDB stops when nothing is left. %s", diskFull, remedy))
	case atLeast(disk.UsedPercent, stack.DiskFillingPercent, was == ReasonDiskFilling || was == ReasonDiskFull):
		c.set(v1alpha1.ConditionDatabaseDiskSufficient, metav1.ConditionFalse, ReasonDiskFilling, fmt.Sprintf(
			"The volume of the database's primary is about %d %% full or more. %s", stack.DiskFillingPercent, remedy))
	default:
		c.set(v1alpha1.ConditionDatabaseDiskSufficient, metav1.ConditionTrue, ReasonDiskSufficient, fmt.Sprintf(
			"The volume of the database's primary is less than %d %% full.", stack.DiskFillingPercent))
	}
}

// diskRelief is how far the use has to fall below a limit, in percent, before what was said of it is taken back: an
// operator that has just started does not know on which side of the limit it was.
const diskRelief = 5

func atLeast(used, limit int, was bool) bool {
	return used >= limit || was && used >= limit-diskRelief
}
