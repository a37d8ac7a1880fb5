package backup

import (
	"slices"
	"time"
)

// Retention says how long backups are kept.
type Retention struct {
	// Days after which a backup may go; 0 keeps all.
	Days int
	// AtLeast is how many are kept however old they are.
	AtLeast int
}

// Expired are those of the backups of one deployment that may go now, the oldest first. The newest never does.
func (r Retention) Expired(backups []*Manifest, now time.Time) []*Manifest {
	if r.Days <= 0 {
		return nil
	}
	newestFirst := slices.Clone(backups)
	slices.SortStableFunc(newestFirst, func(a, b *Manifest) int { return b.PointInTime.Compare(a.PointInTime) })
	var expired []*Manifest
	for _, m := range newestFirst[min(len(newestFirst), max(1, r.AtLeast)):] {
		if now.Sub(m.PointInTime) > time.Duration(r.Days)*24*time.Hour {
			expired = append(expired, m)
		}
	}
	slices.Reverse(expired)
	return expired
}
