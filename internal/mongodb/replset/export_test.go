package replset

import "time"

// SampleEvery shortens the time between samples of a settled set, for watches that start later.
func (w *Watcher) SampleEvery(period time.Duration) { w.period = period }
