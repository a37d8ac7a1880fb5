package replset_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/podtest"
	"chatpdf.dev/operator/internal/mongodb/replset"
)

// patience bounds every wait in these tests; elections and initial syncs on two busy cores take
// most of a minute at worst.
const patience = 2 * time.Minute

const appPassword = "app-password"

// operator does what the operator's passes do, on pods of podtest: observe, decide, take one step.
type operator struct {
	t        *testing.T
	cluster  *podtest.Cluster
	watcher  *replset.Watcher
	key      types.NamespacedName
	secrets  atomic.Pointer[replset.Credentials]
	version  int    // of the Secrets
	stop     func() // ends the watcher
	desired  int32
	replicas int32

	identity map[string]string               // the ConfigMap's data
	claims   map[types.UID]map[string]string // annotations
	outdated map[types.UID]bool              // pods of an older template
	gone     map[int]bool                    // members without a node to start on
	forced   string                          // the forced reconfiguration that a person asks for
	taken    []mongodb.Step
	decision mongodb.Decision
}

func newOperator(t *testing.T, members int32) *operator {
	t.Helper()
	return newOperatorOn(t, int(members), members)
}

// newOperatorOn has room for more pods than are desired at first.
func newOperatorOn(t *testing.T, pods int, members int32) *operator {
	t.Helper()
	cluster := podtest.New(t, "docs", "ns", pods)
	o := &operator{
		t: t, cluster: cluster, desired: members, key: types.NamespacedName{Namespace: "ns", Name: "docs"},
		claims: map[types.UID]map[string]string{}, outdated: map[types.UID]bool{},
	}
	o.secrets.Store(&replset.Credentials{
		Admin:      replset.Rotating{Login: replset.Login{Username: mongodb.AdminUsername, Password: cluster.AdminPassword}},
		App:        replset.Rotating{Login: replset.Login{Username: mongodb.AppUsername, Password: appPassword}},
		Metrics:    replset.Rotating{Login: replset.Login{Username: mongodb.MetricsUsername, Password: "metrics-password"}},
		Backup:     replset.Rotating{Login: replset.Login{Username: mongodb.BackupUsername, Password: "backup-password"}},
		AgentToken: cluster.AgentToken,
	})
	t.Cleanup(func() { o.stop() })
	o.start()
	return o
}

// start begins with an operator that remembers nothing but what the API server keeps; the one
// before is gone.
func (o *operator) start() {
	if o.stop != nil {
		o.stop()
	}
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	o.watcher = replset.New(log)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		o.watcher.Start(ctx) //nolint:errcheck // it returns nil
	}()
	o.stop = func() { stop(); <-ended }
}

func (o *operator) credentials(context.Context) (replset.Credentials, error) {
	return *o.secrets.Load(), nil
}

// edit changes the Secrets; it returns what puts them right again.
func (o *operator) edit(change func(*replset.Credentials)) (restore func()) {
	before := o.secrets.Load()
	edited := *before
	change(&edited)
	o.secrets.Store(&edited)
	return func() { o.secrets.Store(before) }
}

// change edits the Secrets so that the operator is told of it.
func (o *operator) change(how func(*replset.Credentials)) {
	o.edit(how)
	o.version++
}

func (o *operator) target() replset.Target {
	return replset.Target{
		SecretsVersion: strconv.Itoa(o.version),
		ReplicaSet:     "docs", Hosts: o.cluster.Hosts(int(max(o.desired, o.replicas))), CA: o.cluster.CA,
		Credentials: o.credentials, Dial: o.cluster.Dial,
	}
}

func (o *operator) observe() mongodb.Observed {
	identity, err := mongodb.ParseIdentity(o.identity)
	if err != nil {
		o.t.Fatal(err)
	}
	observed := mongodb.Observed{
		Deployment: "docs", Desired: o.desired, StatefulSetReplicas: o.replicas, CredentialsExist: true,
		Identity: identity, ForcedReconfiguration: o.forced, Database: o.watcher.Snapshot(o.key),
	}
	for i, pod := range o.cluster.Pods {
		member := mongodb.Member{
			Ordinal: i, Host: pod.Host, PodUID: pod.UID(), PodRunning: pod.UID() != "",
			PodOutdated: o.outdated[pod.UID()], ClaimOurs: true,
		}
		if _, bound := o.claims[pod.ClaimUID()]; bound {
			member.ClaimUID = pod.ClaimUID()
			member.Claim = mongodb.ParseClaimRecord(o.claims[pod.ClaimUID()])
		}
		observed.Members = append(observed.Members, member)
	}
	return observed
}

// pass is one reconcile: StatefulSet, then at most one step.
func (o *operator) pass(ctx context.Context) error {
	o.scale(mongodb.Replicas(o.observe()))
	o.watcher.Watch(o.key, o.target())
	o.decision = mongodb.Next(o.observe())
	step := o.decision.Step
	if step == nil {
		return nil
	}
	if err := o.watcher.Execute(ctx, o.key, *step); err != nil {
		return fmt.Errorf("%s %s: %w", step.Kind, step.Host, err)
	}
	o.taken = append(o.taken, *step)
	o.write(*step)
	return nil
}

// write is the API server's part of a step.
func (o *operator) write(step mongodb.Step) {
	if step.Identity != nil {
		o.identity = step.Identity.Data()
	}
	for _, claim := range step.Claims {
		o.claims[claim.UID] = claim.Record.Annotations()
	}
	if step.Pod == nil {
		return
	}
	for _, pod := range o.cluster.Pods {
		if pod.UID() == step.Pod.UID {
			pod.Delete()
			pod.Start(o.t)
		}
	}
}

// scale does what the StatefulSet's controller does.
func (o *operator) scale(replicas int32) {
	o.replicas = replicas
	for i, pod := range o.cluster.Pods {
		if i >= int(replicas) {
			pod.Delete()
			continue
		}
		if _, bound := o.claims[pod.ClaimUID()]; !bound {
			o.claims[pod.ClaimUID()] = map[string]string{}
			continue // the pod starts when its new volume is there
		}
		if !o.gone[i] {
			pod.Start(o.t)
		}
	}
}

// until passes whenever the watcher wakes it, until the condition holds.
func (o *operator) until(what string, condition func() bool) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var last error
	for {
		last = o.pass(ctx)
		if condition() {
			return
		}
		if o.decision.Step != nil && last == nil {
			continue
		}
		retry := time.NewTimer(time.Second)
		select {
		case <-o.watcher.Events():
		case <-retry.C:
		case <-ctx.Done():
			o.t.Fatalf("gave up waiting for %s; decision: %+v; last error: %v; snapshot: %+v", what, o.decision, last, o.watcher.Snapshot(o.key))
		}
		retry.Stop()
	}
}

func (o *operator) settle() {
	o.t.Helper()
	o.until("a settled replica set", func() bool { return o.decision.Settled })
}

func (o *operator) kinds() []mongodb.StepKind {
	var kinds []mongodb.StepKind
	for _, step := range o.taken {
		kinds = append(kinds, step.Kind)
	}
	return kinds
}

func (o *operator) count(kind mongodb.StepKind) int {
	return len(slices.DeleteFunc(o.kinds(), func(k mongodb.StepKind) bool { return k != kind }))
}

// initiations counts how often a member's mongod was initiated since it was started.
func initiations(pod *podtest.Pod) int {
	return strings.Count(pod.Log(), "replSetInitiate config object")
}
