package api

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/controllers"
	"chatpdf.dev/operator/internal/apply"
	"chatpdf.dev/operator/internal/mongodb/replset"
	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/stack"
	"chatpdf.dev/operator/internal/status"
)

// operator is one process of the operator: it remembers nothing that another one would not find.
type operator struct {
	*controllers.ChatPDFDeploymentReconciler
	transport *transport
	clock     *clocktesting.FakePassiveClock
	events    *events.FakeRecorder
	stop      context.CancelFunc
}

// defaultConfig is what the operator brings along.
var defaultConfig = stack.Config{
	AppImage: "registry.example.com/chatpdf:1.0.0", MongoDBImage: "docker.io/library/mongo:6.0.5",
	AgentImage: "registry.example.com/dbagent:1.0.0", ClusterDomain: "cluster.local",
}

// startOperator starts an operator that reads straight from the API server and ends with the test.
func startOperator(t *testing.T, config stack.Config, dial replset.DialFunc) *operator {
	t.Helper()
	o := &operator{
		transport: &transport{budget: -1},
		clock:     clocktesting.NewFakePassiveClock(time.Now()),
		events:    events.NewFakeRecorder(1000),
	}
	restConfig := rest.CopyConfig(cluster.config)
	restConfig.Wrap(func(next http.RoundTripper) http.RoundTripper {
		o.transport.next = next
		return o.transport
	})
	c, err := client.New(restConfig, client.Options{Scheme: cluster.scheme})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	watcher := replset.New(slog.New(slog.DiscardHandler))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := watcher.Start(ctx); err != nil {
			t.Error(err)
		}
	}()
	o.stop = func() { cancel(); <-ended }
	t.Cleanup(o.stop)
	o.ChatPDFDeploymentReconciler = &controllers.ChatPDFDeploymentReconciler{
		Client:   c,
		Observer: observe.Observer{Cache: c, Live: c, Snapshot: watcher.Snapshot},
		Apply:    &apply.Writer{Client: c, Live: c, Clock: o.clock},
		Status:   &status.Writer{Client: c, Recorder: o.events, Metrics: status.NewMetrics()},
		Watcher:  watcher,
		Dial:     dial,
		Config:   config,
		Clock:    o.clock,
	}
	return o
}

// pass is one pass that must not fail.
func (o *operator) pass(t *testing.T, key types.NamespacedName) ctrl.Result {
	t.Helper()
	result, err := o.Reconcile(t.Context(), ctrl.Request{NamespacedName: key})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// calm settles once the watcher has tried to reach the members: where nobody can, that is told, and whoever compares
// before and after would find it.
func (o *operator) calm(t *testing.T, key types.NamespacedName) {
	t.Helper()
	o.settle(t, key)
	eventually(t, "a look at the database", func() bool { return len(o.Watcher.Snapshot(key).Probes) > 0 })
	o.settle(t, key)
}

// settle passes until a pass writes nothing.
func (o *operator) settle(t *testing.T, key types.NamespacedName) {
	t.Helper()
	const most = 20
	for range most {
		o.transport.taken()
		o.pass(t, key)
		if len(o.transport.taken()) == 0 {
			return
		}
	}
	o.pass(t, key)
	t.Fatalf("the operator still writes after %d passes: %q", most, o.transport.taken())
}
