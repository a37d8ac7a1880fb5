package replset_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/replset"
)

func TestOneMemberIsInitiatedRecordedAndSettled(t *testing.T) {
	t.Parallel()
	o := newOperator(t, 1)
	began := time.Now()
	o.settle()
	t.Logf("settled after %v", time.Since(began))
	want := []mongodb.StepKind{mongodb.RecordIntent, mongodb.Bootstrap, mongodb.RecordIdentity, mongodb.EnsureUsers, mongodb.ShortenElections, mongodb.EnsureMetricsUser, mongodb.EnsureBackupUser}
	if !slices.Equal(o.kinds(), want) {
		t.Errorf("steps %v, want %v", o.kinds(), want)
	}
	if id := replicaSetID(t, o, 0); o.identity["replicaSetID"] != id {
		t.Errorf("recorded %v, the set is %s", o.identity, id)
	}
	if record := mongodb.ParseClaimRecord(o.claims[o.cluster.Pods[0].ClaimUID()]); record.ReplicaSetID != o.identity["replicaSetID"] || record.MemberID != 0 {
		t.Errorf("the claim remembers %+v", record)
	}
	// The application's user may write its own database and nothing else.
	app := connect(t, o.cluster, o.cluster.Hosts(1), "chatpdf-app", appPassword)
	if _, err := app.Database("chatpdf").Collection("c").InsertOne(t.Context(), bson.D{}); err != nil {
		t.Errorf("the application cannot write: %v", err)
	}
	if _, err := app.Database("other").Collection("c").InsertOne(t.Context(), bson.D{}); err == nil {
		t.Error("the application may write a database that is not its own")
	}
}

func TestBootstrapSurvivesACrashAfterEachSubStepAndInitiatesOnce(t *testing.T) {
	t.Parallel()
	initiate := func(t *testing.T, o *operator) {
		client := connect(t, o.cluster, o.cluster.Hosts(1), "", "")
		member := bson.D{{Key: "_id", Value: 0}, {Key: "host", Value: o.cluster.Pods[0].Host}}
		admin(t, client, bson.D{{Key: "replSetInitiate", Value: bson.D{{Key: "_id", Value: "docs"}, {Key: "members", Value: bson.A{member}}}}}, nil)
	}
	createAdmin := func(t *testing.T, o *operator) {
		untilWritable(t, connect(t, o.cluster, o.cluster.Hosts(1), "", ""))
		client := connect(t, o.cluster, o.cluster.Hosts(1), "", "")
		admin(t, client, bson.D{{Key: "createUser", Value: mongodb.AdminUsername}, {Key: "pwd", Value: o.cluster.AdminPassword}, {Key: "roles", Value: bson.A{"root"}}}, nil)
	}
	for _, c := range []struct {
		after string
		taken func(t *testing.T, o *operator)
	}{
		{"the intent", func(*testing.T, *operator) {}},
		{"initiate", func(t *testing.T, o *operator) { initiate(t, o) }},
		{"the first user", func(t *testing.T, o *operator) { initiate(t, o); createAdmin(t, o) }},
	} {
		t.Run(c.after, func(t *testing.T) {
			o := newOperator(t, 1)
			o.until("the intent", func() bool { return o.count(mongodb.RecordIntent) == 1 })
			c.taken(t, o)
			o.start() // the operator that crashed is replaced by one that saw nothing
			o.cluster.Pods[0].RestartAgent(t)
			o.settle()
			if n := initiations(o.cluster.Pods[0]); n != 1 {
				t.Errorf("initiated %d times", n)
			}
			if id := replicaSetID(t, o, 0); o.identity["replicaSetID"] != id {
				t.Errorf("recorded %v, the set is %s", o.identity, id)
			}
		})
	}
	t.Run("the identity, which was lost", func(t *testing.T) {
		o := newOperator(t, 1)
		o.settle()
		was := o.identity["replicaSetID"]
		o.identity, o.claims[o.cluster.Pods[0].ClaimUID()] = nil, map[string]string{}
		o.start()
		o.settle()
		if o.identity["replicaSetID"] != was || initiations(o.cluster.Pods[0]) != 1 {
			t.Errorf("recorded %v, want %s", o.identity, was)
		}
	})
}

func TestBootstrapThatIsCutOffAtAnyMomentIsFinishedByTheNextTry(t *testing.T) {
	t.Parallel()
	o := newOperator(t, 1)
	o.until("the intent", func() bool { return o.count(mongodb.RecordIntent) == 1 })
	// Each caller is gone after so long, wherever the agent was then.
	for _, limit := range []int{1, 10, 30, 60, 100, 200, 400} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(limit)*time.Millisecond)
		if err := o.pass(ctx); err != nil && strings.Contains(err.Error(), o.cluster.AgentToken) {
			t.Errorf("the error names the token: %v", err)
		}
		cancel()
		o.cluster.Pods[0].RestartAgent(t)
	}
	o.settle()
	if n := initiations(o.cluster.Pods[0]); n != 1 {
		t.Errorf("initiated %d times", n)
	}
}

func TestAPodThatIsNoLongerTheChosenOneIsNotInitiated(t *testing.T) {
	t.Parallel()
	o := newOperator(t, 1)
	o.until("the intent", func() bool { return o.count(mongodb.RecordIntent) == 1 })
	step := mongodb.Next(o.observe()).Step
	o.cluster.Pods[0].Delete()
	o.cluster.Pods[0].Start(t)
	if err := o.watcher.Execute(t.Context(), o.key, *step); err == nil {
		t.Fatal("the agent of the new pod initiated for the old one")
	}
	if n := initiations(o.cluster.Pods[0]); n != 0 {
		t.Errorf("initiated %d times", n)
	}
	o.settle()
}

func TestAWrongTokenOrPasswordIsRefusedWithoutNamingIt(t *testing.T) {
	t.Parallel()
	o := newOperator(t, 1)
	o.until("the intent", func() bool { return o.count(mongodb.RecordIntent) == 1 })
	restore := o.edit(func(c *replset.Credentials) { c.AgentToken = "wrong-token" })
	err := o.pass(t.Context())
	if err == nil || !strings.Contains(err.Error(), "refuses the token") || strings.Contains(err.Error(), "wrong-token") {
		t.Fatalf("error %v", err)
	}
	restore()
	o.settle()

	restore = o.edit(func(c *replset.Credentials) { c.Admin.Password = "wrong-password" })
	o.start()
	o.until("the refusal", func() bool { return o.decision.Stalled })
	if o.decision.Reason != mongodb.ReasonCredentialsRefused || strings.Contains(o.decision.Message, "wrong-password") {
		t.Errorf("decision %+v", o.decision)
	}
	// The Secret is put right: the watcher reads it again.
	restore()
	o.settle()
}

func TestExecuteWithoutWatchSaysSo(t *testing.T) {
	t.Parallel()
	o := newOperator(t, 1)
	if err := o.watcher.Execute(t.Context(), o.key, mongodb.Step{Kind: mongodb.StepDown}); err == nil || !errors.Is(err, replset.ErrNotWatched) {
		t.Errorf("error %v", err)
	}
}
