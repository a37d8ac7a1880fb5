package replset_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"chatpdf.dev/operator/internal/dbagent"
	"chatpdf.dev/operator/internal/mongodb"
)

func TestMembersComeAndGoOneByOneWhileTheApplicationWrites(t *testing.T) {
	t.Parallel()
	o := newOperatorOn(t, 3, 1)
	o.settle()
	w := startWriter(t, o)
	began := time.Now()
	for _, members := range []int32{3, 1, 3} {
		o.desired = members
		o.settle()
		t.Logf("%d members after %v", members, time.Since(began))
		config := o.watcher.Snapshot(o.key).Config
		if len(config.Members) != int(members) || config.Voters != int(members) || o.replicas != members {
			t.Fatalf("want %d members: %+v, StatefulSet %d", members, config, o.replicas)
		}
	}
	w.verify()
	var ids []int
	for _, step := range o.taken {
		if step.Kind == mongodb.AddMember {
			ids = append(ids, step.MemberID)
		}
	}
	if want := []int{1, 2, 3, 4}; !slices.Equal(ids, want) {
		t.Errorf("member ids %v, want %v: none is used again; steps %v", ids, want, o.kinds())
	}
	if o.count(mongodb.Bootstrap) != 1 {
		t.Errorf("steps %v", o.kinds())
	}
}

func TestThreeMembersSurviveWhatHappensToThem(t *testing.T) {
	t.Parallel()
	o := newOperatorOn(t, 3, 3)
	o.settle()
	if timeout := o.watcher.Snapshot(o.key).Config.ElectionTimeout; timeout != mongodb.ElectionTimeout {
		t.Errorf("members elect another primary after %s, want %s", timeout, mongodb.ElectionTimeout)
	}
	t.Run("a killed primary loses no acknowledged write", func(t *testing.T) { killedPrimary(t, o) })
	t.Run("pods restart by role and never two at a time", func(t *testing.T) { rollingRestart(t, o) })
	t.Run("a primary does not hand over while another is down", func(t *testing.T) { handOverBesideOneThatIsDown(t, o) })
	t.Run("a lost volume comes back as a new member", func(t *testing.T) { lostVolume(t, o) })
	t.Run("a new operator finds nothing to do", func(t *testing.T) { restartedOperator(t, o) })
	t.Run("a member without a vote gets it back", func(t *testing.T) { voteless(t, o) })
	t.Run("the loss of all volumes stalls", func(t *testing.T) { allVolumesLost(t, o) })
}

func primaryOf(o *operator) int {
	host := o.watcher.Snapshot(o.key).Primary
	return slices.IndexFunc(o.cluster.Hosts(len(o.cluster.Pods)), func(h string) bool { return h == host })
}

func killedPrimary(t *testing.T, o *operator) {
	w := startWriter(t, o)
	o.until("some writes", func() bool { return w.count() > 20 })
	killed := primaryOf(o)
	before := w.count()
	o.cluster.Pods[killed].KillMongoD(t)
	o.until("writes after the kill", func() bool { return w.count() > before+20 })
	o.settle()
	w.verify()
}

func rollingRestart(t *testing.T, o *operator) {
	w := startWriter(t, o)
	first := primaryOf(o)
	o.taken = nil
	for _, pod := range o.cluster.Pods {
		o.outdated[pod.UID()] = true
	}
	o.until("all restarts", func() bool { return o.decision.Settled })
	w.verify()
	var restarted []string
	steppedDown := false
	for _, step := range o.taken {
		switch step.Kind {
		case mongodb.StepDown:
			steppedDown = len(restarted) == 2
		case mongodb.RestartMember:
			restarted = append(restarted, step.Host)
			if len(step.Healthy) != 2 {
				t.Errorf("%s was restarted with %v healthy", step.Host, step.Healthy)
			}
		}
	}
	if len(restarted) != 3 || restarted[2] != o.cluster.Pods[first].Host || !steppedDown {
		t.Errorf("restarted %v, want the primary %d last, after it stepped down; steps %v", restarted, first, o.kinds())
	}
}

// handOverBesideOneThatIsDown takes the step that was planned when all members served.
func handOverBesideOneThatIsDown(t *testing.T, o *operator) {
	primary := primaryOf(o)
	host, down := o.cluster.Pods[primary].Host, o.cluster.Pods[(primary+1)%3]
	step := mongodb.Step{
		Kind: mongodb.StepDown, Host: host, ReplicaSetID: o.watcher.Snapshot(o.key).Config.ReplicaSetID,
		Healthy: []string{down.Host, o.cluster.Pods[(primary+2)%3].Host},
	}
	down.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // longer would not help
	defer cancel()
	if err := o.watcher.Execute(ctx, o.key, step); err == nil || !strings.Contains(err.Error(), down.Host) {
		t.Errorf("the primary was asked to step down: %v", err)
	}
	down.Start(t)
	o.settle()
	if primaryOf(o) != primary {
		t.Error("there is another primary")
	}
}

func lostVolume(t *testing.T, o *operator) {
	w := startWriter(t, o)
	lost := (primaryOf(o) + 1) % 3
	pod := o.cluster.Pods[lost]
	highest := o.identity["highestMemberID"]
	o.taken = nil
	pod.Kill()
	pod.LoseVolume(t)
	o.until("the member's return", func() bool { return o.decision.Settled && o.count(mongodb.AddMember) == 1 })
	w.verify()
	if o.identity["highestMemberID"] == highest || o.count(mongodb.RemoveMember) != 1 || o.count(mongodb.Bootstrap) != 0 {
		t.Errorf("the member did not come back as a new one: %v %v", o.identity, o.kinds())
	}
	var count int64
	client := connect(t, o.cluster, []string{pod.Host}, "chatpdf-app", appPassword)
	if count, _ = client.Database("chatpdf").Collection(t.Name()).EstimatedDocumentCount(t.Context()); count == 0 {
		t.Error("the new volume holds nothing")
	}
}

func restartedOperator(t *testing.T, o *operator) {
	o.taken = nil
	o.start()
	o.settle()
	if len(o.taken) != 0 {
		t.Errorf("a new operator found something to do: %v", o.kinds())
	}
}

// voteless is how members are added to servers before 5.0.
func voteless(t *testing.T, o *operator) {
	client := connect(t, o.cluster, []string{o.cluster.Pods[primaryOf(o)].Host}, mongodb.AdminUsername, o.cluster.AdminPassword)
	var reply struct {
		Config bson.M `bson:"config"`
	}
	admin(t, client, bson.D{{Key: "replSetGetConfig", Value: 1}}, &reply)
	version, _ := reply.Config["version"].(int32)
	reply.Config["version"] = version + 1
	members, _ := reply.Config["members"].(bson.A)
	for _, m := range members {
		member, _ := m.(bson.D)
		document := map[string]*any{}
		for i := range member {
			document[member[i].Key] = &member[i].Value
		}
		if *document["host"] == o.cluster.Pods[(primaryOf(o)+1)%3].Host {
			*document["votes"], *document["priority"] = 0, 0
		}
	}
	admin(t, client, bson.D{{Key: "replSetReconfig", Value: reply.Config}}, nil)
	o.taken = nil
	o.until("its vote", func() bool { return o.decision.Settled && o.count(mongodb.PromoteMember) == 1 })
	if config := o.watcher.Snapshot(o.key).Config; config.Voters != 3 {
		t.Errorf("%d voters", config.Voters)
	}
}

func allVolumesLost(t *testing.T, o *operator) {
	for _, pod := range o.cluster.Pods {
		pod.Kill()
		pod.LoseVolume(t)
	}
	o.taken = nil
	o.until("the stall", func() bool { return o.decision.Stalled })
	if o.decision.Reason != mongodb.ReasonAllVolumesEmpty || len(o.taken) != 0 {
		t.Errorf("decision %+v after %v", o.decision, o.kinds())
	}
}

func TestAVolumeOfAnotherReplicaSetIsNeverJoined(t *testing.T) {
	t.Parallel()
	o := newOperatorOn(t, 2, 1)
	foreign := o.cluster.Pods[1]
	foreign.Start(t)
	if err := foreign.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	foreign.Delete()
	o.settle()
	mine := o.identity["replicaSetID"]
	o.desired = 2
	o.until("the stall", func() bool { return o.decision.Stalled })
	if o.decision.Reason != mongodb.ReasonReplicaSetIDsDiffer || o.count(mongodb.AddMember) != 0 || o.identity["replicaSetID"] != mine {
		t.Errorf("decision %+v after %v", o.decision, o.kinds())
	}
}

func TestHelloAnswersInRecoveryInitialSyncAndAfterRemoval(t *testing.T) {
	t.Parallel()
	o := newOperatorOn(t, 2, 2)
	second := o.cluster.Pods[1]
	alive := func(want ...string) {
		t.Helper()
		state, _, err := dbagent.Alive(t.Context(), second.MongoDAddress(), filepath.Join(second.RunDirectory(), "ca.crt"))
		if err != nil || !slices.Contains(want, state) {
			t.Errorf("hello: %q, %v; want %v", state, err, want)
		}
	}
	o.until("the second member to be added", func() bool { return o.count(mongodb.AddMember) == 1 })
	alive("unconfigured", "other", "secondary") // however far its initial sync is
	o.settle()
	alive("secondary")
	client := connect(t, o.cluster, []string{second.Host}, mongodb.AdminUsername, o.cluster.AdminPassword)
	admin(t, client, bson.D{{Key: "replSetMaintenance", Value: true}}, nil)
	alive("other") // RECOVERING
	o.until("the operator to see it", func() bool { return o.decision.Reason == mongodb.ReasonMemberUnhealthy })
	admin(t, client, bson.D{{Key: "replSetMaintenance", Value: false}}, nil)
	o.settle()
	o.desired = 1
	o.until("its removal", func() bool {
		return o.watcher.Snapshot(o.key).Probes[second.Host].State == mongodb.StateRemoved || second.UID() == ""
	})
	if second.UID() != "" {
		alive("unconfigured")
	}
	o.settle()
}

// Not beside others: a server that has to wait for its turn is asked again over a new connection.
func TestAtSteadyStateNothingConnectsAndNothingIsAskedButTheSample(t *testing.T) {
	o := newOperatorOn(t, 1, 1)
	o.watcher.SampleEvery(200 * time.Millisecond)
	o.settle()
	client := connect(t, o.cluster, o.cluster.Hosts(1), mongodb.AdminUsername, o.cluster.AdminPassword)
	before := serverCounters(t, client)
	dials := o.cluster.Dials.Load()
	var now counters
	o.until("twenty samples", func() bool {
		now = serverCounters(t, client)
		return now.commands["replSetGetStatus"]-before.commands["replSetGetStatus"] >= 20
	})
	if made := o.cluster.Dials.Load() - dials; made != 0 {
		t.Errorf("%d connections were made anew", made)
	}
	if made := now.connections - before.connections; made != 0 {
		t.Errorf("the server saw %d new connections", made)
	}
	allowed := []string{"hello", "replSetGetConfig", "replSetGetStatus", "usersInfo", "getParameter", "dbStats", "serverStatus"}
	for command, count := range now.commands {
		if more := count - before.commands[command]; more > 0 && !slices.Contains(allowed, command) {
			t.Errorf("%d times %s", more, command)
		}
	}
	if len(o.taken) != 7 {
		t.Errorf("steps %v", o.kinds())
	}
	select {
	case <-o.watcher.Events():
		t.Error("the controller was woken although nothing happened")
	default:
	}
}

func TestWatchWithTheSameTargetKeepsItsConnectionsAndForgetClosesThem(t *testing.T) {
	t.Parallel()
	o := newOperatorOn(t, 1, 1)
	o.settle()
	dials := o.cluster.Dials.Load()
	for range 10 {
		o.watcher.Watch(o.key, o.target())
	}
	more := o.target()
	more.Hosts = append(slices.Clone(more.Hosts), "docs-mongodb-1.docs-mongodb.ns.svc.cluster.local:27017")
	o.watcher.Watch(o.key, more)
	for len(o.watcher.Snapshot(o.key).Probes) != 2 {
		select {
		case <-o.watcher.Events():
		case <-time.After(patience):
			t.Fatal("the second host is not asked")
		}
	}
	if made := o.cluster.Dials.Load() - dials; made != 0 {
		t.Errorf("%d connections were made anew", made)
	}
	o.watcher.Forget(o.key)
	client := connect(t, o.cluster, o.cluster.Hosts(1), mongodb.AdminUsername, o.cluster.AdminPassword)
	o.untilNoOperator(client)
}

type counters struct {
	commands    map[string]int64
	connections int64
}

func serverCounters(t *testing.T, client *mongo.Client) counters {
	t.Helper()
	var reply struct {
		Connections struct {
			Created int64 `bson:"totalCreated"`
		} `bson:"connections"`
		Metrics struct {
			Commands map[string]bson.RawValue `bson:"commands"`
		} `bson:"metrics"`
	}
	admin(t, client, bson.D{{Key: "serverStatus", Value: 1}}, &reply)
	c := counters{commands: map[string]int64{}, connections: reply.Connections.Created}
	for name, value := range reply.Metrics.Commands {
		if document, ok := value.DocumentOK(); ok {
			c.commands[name], _ = document.Lookup("total").AsInt64OK()
		}
	}
	return c
}
