package mongodb

// Disk is how full the file system of the primary's volume is.
type Disk struct {
	// UsedPercent is bucketed: one of 5, 10, ... 100; 0 means less than 5, or not known while Total is 0.
	UsedPercent int
	// Total size in bytes; 0 while it is not known.
	Total int64
}

// Steps between buckets, and how far use has to fall below a bucket to leave it, so that a volume at the edge
// of one does not change all the time. In percent.
const (
	diskStep  = 5
	diskSlack = 2
)

// Next is the bucket that follows d for a file system of so many bytes.
func (d Disk) Next(used, total float64) Disk {
	percent := int(100 * used / total)
	same := d.Total == int64(total) && percent < d.UsedPercent+diskStep && percent >= d.UsedPercent-diskSlack
	if same {
		return d
	}
	return Disk{UsedPercent: percent / diskStep * diskStep, Total: int64(total)}
}
