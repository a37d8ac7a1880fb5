package replset_test

import (
	"strings"
	"testing"

	"chatpdf.dev/operator/internal/mongodb"
)

// TestWhatIsLeftGoesOnWithoutAMajorityOnlyWhenAskedTo loses two of three members: first they hang, then they are gone.
func TestWhatIsLeftGoesOnWithoutAMajorityOnlyWhenAskedTo(t *testing.T) {
	t.Parallel()
	o := newOperator(t, 3)
	o.settle()
	w := startWriter(t, o)
	o.until("some writes", func() bool { return w.count() > 20 })
	left := primaryOf(o)
	o.gone = map[int]bool{(left + 1) % 3: true, (left + 2) % 3: true}
	for i := range o.gone {
		o.cluster.Pods[i].Freeze()
	}
	o.until("the loss of the majority", func() bool {
		return o.decision.Reason == mongodb.ReasonNoPrimary && strings.Contains(o.decision.Message, "mongodb.forcedReconfiguration")
	})
	o.taken, o.forced = nil, "two nodes are lost"
	o.until("a word about members that may come back", func() bool { return o.decision.Reason == mongodb.ReasonMemberMayComeBack })
	for i := range o.gone {
		o.cluster.Pods[i].Kill()
		o.cluster.Pods[i].LoseVolume(t)
	}
	before := w.count()
	o.until("writes without a majority of three", func() bool { return w.count() > before })
	o.until("the record", func() bool { return o.identity["forcedReconfiguration"] == o.forced })
	if o.count(mongodb.ForceReconfiguration) != 1 || len(o.watcher.Snapshot(o.key).Config.Members) != 1 {
		t.Errorf("steps %v, configuration %+v", o.kinds(), o.watcher.Snapshot(o.key).Config)
	}
	o.gone = nil
	o.until("three members", func() bool { return o.decision.Settled && o.count(mongodb.AddMember) == 2 })
	w.verify()
	if o.count(mongodb.ForceReconfiguration) != 1 || o.count(mongodb.Bootstrap) != 0 || o.identity["highestMemberID"] != "4" {
		t.Errorf("steps %v, identity %v", o.kinds(), o.identity)
	}
	o.taken, o.forced = nil, "in vain"
	o.until("the record of a request without need", func() bool { return o.identity["forcedReconfiguration"] == o.forced })
	if o.settle(); len(o.taken) != 1 {
		t.Errorf("steps %v", o.kinds())
	}
}
