package mongodb

import "testing"

func TestDiskUseAtTheEdgeOfABucketDoesNotFlap(t *testing.T) {
	d := Disk{}
	for _, step := range []struct{ used, total, want float64 }{
		{790, 1000, 75}, {799, 1000, 75}, {801, 1000, 80}, {799, 1000, 80}, {781, 1000, 80}, {779, 1000, 75},
		{1000, 1000, 100}, {1000, 2000, 50}, {10, 2000, 0},
	} {
		if d = d.Next(step.used, step.total); d.UsedPercent != int(step.want) || d.Total != int64(step.total) {
			t.Errorf("%v of %v bytes: %+v, want %v", step.used, step.total, d, step.want)
		}
	}
}
