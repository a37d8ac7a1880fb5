package replset

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"chatpdf.dev/operator/internal/mongodb"
)

// ErrNotWatched is returned by Execute for a key that Watch was not called with.
var ErrNotWatched = errors.New("the replica set is not watched yet")

// Watcher watches replica sets. Make it with [New], and add it to the manager.
type Watcher struct {
	log    *slog.Logger
	period time.Duration
	events chan event.GenericEvent
	wake   chan struct{} // one slot: dirty has grown

	mu      sync.Mutex
	watches map[types.NamespacedName]*watch
	dirty   map[types.NamespacedName]struct{}
	closed  bool
}

// New makes a Watcher that watches nothing yet.
func New(log *slog.Logger) *Watcher {
	return &Watcher{
		log:     log,
		period:  samplePeriod,
		events:  make(chan event.GenericEvent),
		wake:    make(chan struct{}, 1),
		watches: map[types.NamespacedName]*watch{},
		dirty:   map[types.NamespacedName]struct{}{},
	}
}

// Start hands out events until ctx ends; then it closes every connection and returns. It is a
// manager.Runnable.
func (w *Watcher) Start(ctx context.Context) error {
	defer w.close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.wake:
		}
		for _, key := range w.takeDirty() {
			object := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
			select {
			case <-ctx.Done():
				return nil
			case w.events <- event.GenericEvent{Object: object}:
			}
		}
	}
}

// NeedLeaderElection says that only the leader watches: two operators must not both probe.
func (w *Watcher) NeedLeaderElection() bool { return true }

// Events wake the controller: one event, with namespace and name alone, for each deployment whose
// snapshot has changed; several changes while nobody reads are one event. Give it to
// source.Channel.
func (w *Watcher) Events() <-chan event.GenericEvent { return w.events }

// Watch starts to watch a replica set, or takes up what changed of the target. Calling it again
// with the same target does nothing; connections are made anew only if the name of the set or the
// CA changed, or if none of the hosts stayed.
func (w *Watcher) Watch(key types.NamespacedName, target Target) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	if known, ok := w.watches[key]; ok {
		known.retarget(target)
		return
	}
	w.watches[key] = startWatch(w.log.With("namespace", key.Namespace, "name", key.Name), w.period, target, func() { w.markDirty(key) })
}

// Forget stops watching and closes the connections.
func (w *Watcher) Forget(key types.NamespacedName) {
	w.mu.Lock()
	known := w.watches[key]
	delete(w.watches, key)
	delete(w.dirty, key)
	w.mu.Unlock()
	if known != nil {
		known.stop()
	}
}

// Snapshot is what was seen last; the zero Snapshot if the key is not watched or nothing has
// answered yet. It is shared: do not change it.
func (w *Watcher) Snapshot(key types.NamespacedName) mongodb.Snapshot {
	if known := w.find(key); known != nil {
		return known.latest()
	}
	return mongodb.Snapshot{}
}

// Execute carries out the database's part of a step, then looks again, so that Snapshot shows the
// outcome. Errors say what to do and hold no secret; all are worth a retry.
func (w *Watcher) Execute(ctx context.Context, key types.NamespacedName, step mongodb.Step) error {
	known := w.find(key)
	if known == nil {
		return ErrNotWatched
	}
	return known.execute(ctx, step)
}

func (w *Watcher) find(key types.NamespacedName) *watch {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.watches[key]
}

func (w *Watcher) markDirty(key types.NamespacedName) {
	w.mu.Lock()
	if _, watched := w.watches[key]; watched {
		w.dirty[key] = struct{}{}
	}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *Watcher) takeDirty() []types.NamespacedName {
	w.mu.Lock()
	defer w.mu.Unlock()
	keys := slices.Collect(maps.Keys(w.dirty))
	clear(w.dirty)
	return keys
}

func (w *Watcher) close() {
	w.mu.Lock()
	w.closed = true
	watches := slices.Collect(maps.Values(w.watches))
	clear(w.watches)
	w.mu.Unlock()
	for _, known := range watches {
		known.stop()
	}
}
