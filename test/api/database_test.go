package api

import (
	"context"
	"crypto/tls"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/stack"
	"chatpdf.dev/operator/internal/status"
)

// patience bounds every wait: elections and initial syncs on two busy cores take most of a minute.
const patience = 3 * time.Minute

// until passes, whenever the watcher wakes the operator or a second went by, until the condition
// holds; a pass may fail, as it may in a cluster.
func (k *kubelet) until(t *testing.T, o *operator, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var last error
	for {
		var result ctrl.Result
		result, last = o.Reconcile(ctx, ctrl.Request{NamespacedName: k.key})
		if o.transport.died() {
			return
		}
		k.sync(t)
		if last == nil && condition() {
			return
		}
		again := time.Second
		if asked := result.RequeueAfter; asked > 0 {
			again = min(again, asked)
		}
		retry := time.NewTimer(again)
		select {
		case <-o.Watcher.Events():
		case <-retry.C:
		case <-ctx.Done():
			t.Fatalf("gave up waiting for %s; last error: %v; conditions: %+v; snapshot: %+v", what, last,
				get[v1alpha1.ChatPDFDeployment](t, k.world, k.key.Name).Status.Conditions, o.Watcher.Snapshot(k.key))
		}
		retry.Stop()
	}
}

// ready passes until the deployment is Ready and a pass writes nothing.
func (k *kubelet) ready(t *testing.T, o *operator) {
	t.Helper()
	k.until(t, o, "Ready", func() bool {
		return k.condition(t, k.key, v1alpha1.ConditionReady).Status == "True" && len(o.transport.taken()) == 0
	})
}

// connect makes a client from the application's connection string. The headless Service in it is a name of all
// members, which have names of their own here.
func (k *kubelet) connect(uri string, trust *tls.Config) (*mongo.Client, error) {
	user, rest, _ := strings.Cut(uri, "@")
	_, rest, _ = strings.Cut(rest, "/")
	uri = user + "@" + strings.Join(k.pods.Hosts(len(k.pods.Pods)), ",") + "/" + rest
	return mongo.Connect(options.Client().ApplyURI(uri).SetTLSConfig(trust).SetDialer(dialer(k.dial)))
}

// asApplication does something with the database by the credentials that the operator made for the
// application.
func (k *kubelet) asApplication(t *testing.T, act func(context.Context, *mongo.Collection) error) error {
	t.Helper()
	secret := get[corev1.Secret](t, k.world, stack.NamesOf(k.key.Name).DatabaseAppSecret)
	client, err := k.connect(string(secret.Data[stack.KeyURI]), k.trust(t))
	k.must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	defer client.Disconnect(ctx) //nolint:errcheck // nothing is in flight
	return act(ctx, client.Database("chatpdf").Collection("kept"))
}

func (k *kubelet) write(t *testing.T, value string) {
	t.Helper()
	err := k.asApplication(t, func(ctx context.Context, kept *mongo.Collection) error {
		_, err := kept.InsertOne(ctx, bson.M{"_id": value})
		return err
	})
	if err != nil {
		t.Fatalf("writing as the application: %v", err)
	}
}

func (k *kubelet) wrote(t *testing.T, value string) bool {
	t.Helper()
	return k.asApplication(t, func(ctx context.Context, kept *mongo.Collection) error {
		return kept.FindOne(ctx, bson.M{"_id": value}).Err()
	}) == nil
}

func (k *kubelet) identity(t *testing.T) map[string]string {
	t.Helper()
	return get[corev1.ConfigMap](t, k.world, mongodb.IdentityName(k.key.Name)).Data
}

func TestAnEmptySpecBecomesReadyAndThenNothingIsWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	k := newKubelet(t, w, key, 1)
	o := startOperator(t, defaultConfig, k.dial)
	k.ready(t, o)
	k.write(t, "as the application")
	for range 10 {
		o.pass(t, key)
	}
	if writes := o.transport.taken(); len(writes) > 0 {
		t.Errorf("ten passes at steady state wrote %q", writes)
	}
	d := get[v1alpha1.ChatPDFDeployment](t, w, "docs")
	if d.Status.MongoDB.Ready != "1/1" || len(d.Status.MongoDB.Members) != 1 || d.Status.MongoDB.Members[0].State != "PRIMARY" {
		t.Errorf("status.mongodb is %+v", d.Status.MongoDB)
	}
	for _, c := range d.Status.Conditions {
		if c.Type == v1alpha1.ConditionDatabaseDiskSufficient {
			continue // the disk of this machine may be full
		}
		if c.Type == v1alpha1.ConditionBackupHealthy && c.Reason == status.ReasonNoBackupYet {
			continue // the first one is due at night
		}
		if c.Status != "True" || c.Type == v1alpha1.ConditionReconciling || c.Type == v1alpha1.ConditionStalled {
			t.Errorf("condition %+v", c)
		}
	}
	claim := get[corev1.PersistentVolumeClaim](t, w, "data-docs-mongodb-0")
	if id := k.identity(t)["replicaSetID"]; id == "" || claim.Annotations["chatpdf.dev/replica-set-id"] != id {
		t.Errorf("the identity is %v, on the claim %v", k.identity(t), claim.Annotations)
	}
	// A new operator knows nothing of the database at first, which is no reason to call it gone.
	o.stop()
	next := startOperator(t, defaultConfig, k.dial)
	k.ready(t, next)
	k.until(t, next, "a look at the database", func() bool { return next.Watcher.Snapshot(key).Primary != "" })
	if writes := next.transport.taken(); len(writes) > 0 {
		t.Errorf("a new operator wrote %q", writes)
	}
}

func TestThreeMembersGrowFromOneAndShrinkBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Members: 1}})
	k := newKubelet(t, w, key, 3)
	o := startOperator(t, defaultConfig, k.dial)
	k.ready(t, o)
	k.write(t, "before")
	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.Members = 3 })
	k.ready(t, o)
	if got := get[v1alpha1.ChatPDFDeployment](t, w, "docs").Status.MongoDB.Ready; got != "3/3" {
		t.Errorf("members: %s", got)
	}
	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.Members = 1 })
	k.until(t, o, "shrinking", func() bool {
		in := 0
		if config := o.Watcher.Snapshot(key).Config; config != nil {
			in = len(config.Members)
		}
		if replicas := *k.statefulSet(t).Spec.Replicas; in > 0 && replicas < int32(in) {
			t.Fatalf("the StatefulSet has %d replicas while %d members are in the configuration", replicas, in)
		}
		return *k.statefulSet(t).Spec.Replicas == 1
	})
	k.ready(t, o)
	if !k.wrote(t, "before") {
		t.Error("what was written before is gone")
	}
	// The volumes of the members that left stay. A new operator does not start members on them.
	o.stop()
	next := startOperator(t, defaultConfig, k.dial)
	k.ready(t, next)
	k.until(t, next, "a look at the database", func() bool { return next.Watcher.Snapshot(key).Primary != "" })
	if writes := next.transport.taken(); len(writes) > 0 || *k.statefulSet(t).Spec.Replicas != 1 {
		t.Errorf("a new operator wrote %q", writes)
	}
}

func TestADatabaseSurvivesItsResource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	k := newKubelet(t, w, key, 1)
	o := startOperator(t, defaultConfig, k.dial)
	k.ready(t, o)
	k.write(t, "kept")
	secrets, identity := w.secrets(t), k.identity(t)
	w.remove(t, key)
	o.pass(t, key)
	k.sync(t)
	o.stop()

	w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	o = startOperator(t, defaultConfig, k.dial)
	k.ready(t, o)
	if !k.wrote(t, "kept") {
		t.Error("the data are gone")
	}
	if !equality.Semantic.DeepEqual(secrets, w.secrets(t)) {
		t.Error("a Secret changed")
	}
	if !equality.Semantic.DeepEqual(identity, k.identity(t)) {
		t.Errorf("the identity is %v, was %v", k.identity(t), identity)
	}
}

func TestAChangedTemplateRestartsTheMember(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	k := newKubelet(t, w, key, 1)
	o := startOperator(t, defaultConfig, k.dial)
	k.ready(t, o)
	k.write(t, "kept")
	before := get[corev1.Pod](t, w, "docs-mongodb-0").UID
	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.Resources.Limits.Memory = quantity("3Gi") })
	k.until(t, o, "a restart", func() bool {
		return exists[corev1.Pod](t, w, "docs-mongodb-0") && get[corev1.Pod](t, w, "docs-mongodb-0").UID != before
	})
	k.ready(t, o)
	pod := get[corev1.Pod](t, w, "docs-mongodb-0")
	args := pod.Spec.Containers[0].Args
	if i := slices.Index(args, "--wiredTigerCacheSizeGB"); i < 0 || args[i+1] != "1.00" {
		t.Errorf("mongod runs with %q", args)
	}
	if !k.wrote(t, "kept") {
		t.Error("the data are gone")
	}
}

// TestAnOperatorKilledWhileTheDatabaseIsMadeConverges kills it before each write that follows the
// first member's first answer; the first pass's writes have a test of their own.
func TestAnOperatorKilledWhileTheDatabaseIsMadeConverges(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped because of -short: starts a database for each write")
	}
	const firstPasses = 22
	for write := firstPasses; ; write++ {
		w := newWorld(t)
		key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
		k := newKubelet(t, w, key, 1)
		o := startOperator(t, defaultConfig, k.dial)
		o.transport.budget = write
		k.until(t, o, "Ready", func() bool {
			return k.condition(t, key, v1alpha1.ConditionReady).Status == "True"
		})
		died := o.transport.died()
		o.stop()
		if !died {
			t.Logf("killed before each of the writes %d to %d", firstPasses, write-1)
			k.kill()
			return
		}
		made := w.secrets(t)
		next := startOperator(t, defaultConfig, k.dial)
		k.ready(t, next)
		k.write(t, "after")
		if !equality.Semantic.DeepEqual(made, w.secrets(t)) {
			t.Errorf("killed before write %d: a Secret changed", write)
		}
		if n := strings.Count(k.pods.Pods[0].Log(), "replSetInitiate config object"); n > 1 {
			t.Errorf("killed before write %d: initiated %d times", write, n)
		}
		next.stop()
		k.kill()
	}
}
