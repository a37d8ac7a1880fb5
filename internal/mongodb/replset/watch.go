package replset

import (
	"context"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	"chatpdf.dev/operator/internal/mongodb"
)

const (
	// samplePeriod is how often a settled set is asked what the driver's events do not tell.
	samplePeriod = 30 * time.Second
	// firstDelay and lastDelay bound how often a set is asked that is not as it should be yet.
	firstDelay = time.Second
	lastDelay  = 5 * time.Second
)

// watch is one watched replica set.
type watch struct {
	log     *slog.Logger
	period  time.Duration // between samples of a settled set
	changed func()
	cancel  context.CancelFunc
	ended   chan struct{}
	wake    chan struct{} // one slot: look again now

	mu       sync.Mutex
	target   Target
	snapshot mongodb.Snapshot

	looking  sync.Mutex // one look at a time; guards what follows
	session  *session
	external *external
	next     bool   // log in with the next password
	obstacle string // why there is no session, as it was logged last
}

func startWatch(log *slog.Logger, period time.Duration, target Target, changed func()) *watch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watch{
		log: log, period: period, changed: changed, cancel: cancel, target: target,
		ended: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	go w.loop(ctx)
	return w
}

func (w *watch) stop() {
	w.cancel()
	<-w.ended
}

// retarget takes up a changed target.
func (w *watch) retarget(target Target) {
	w.mu.Lock()
	same := w.target.same(target)
	if !same {
		w.target = target
	}
	w.mu.Unlock()
	if !same {
		w.wakeUp()
	}
}

func (w *watch) latest() mongodb.Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.snapshot
}

func (w *watch) wakeUp() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// loop looks whenever the driver sees a change, and from time to time.
func (w *watch) loop(ctx context.Context) {
	defer close(w.ended)
	defer w.drop()
	delay := firstDelay
	for ctx.Err() == nil {
		before, target := w.latest(), w.wanted()
		w.look(ctx)
		switch now := w.latest(); {
		case settled(now, target.Hosts) && !awaits(now, target):
			delay = w.period
		case settled(now, target.Hosts) && awaits(before, target):
			delay = min(delay+firstDelay, w.period)
		case delay > lastDelay || !reflect.DeepEqual(before, now):
			delay = firstDelay
		default:
			delay = min(delay+firstDelay, lastDelay)
		}
		timer := time.NewTimer(delay)
		select {
		case <-ctx.Done():
		case <-w.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// look takes a new snapshot and wakes the controller if it differs.
func (w *watch) look(ctx context.Context) {
	w.looking.Lock()
	defer w.looking.Unlock()
	snapshot, err := w.lookOnce(ctx)
	if snapshot.Login == mongodb.LoginRefused && w.renewCredentials(ctx) {
		snapshot, err = w.lookOnce(ctx)
	}
	w.logObstacle(err)
	if ctx.Err() != nil {
		return
	}
	w.mu.Lock()
	differs := !reflect.DeepEqual(w.snapshot, snapshot)
	w.snapshot = snapshot
	w.mu.Unlock()
	if differs {
		w.changed()
	}
}

func (w *watch) lookOnce(ctx context.Context) (mongodb.Snapshot, error) {
	if target := w.wanted(); target.External != nil {
		return w.lookOutside(ctx, target), nil
	}
	session, err := w.ensureSession(ctx)
	if err != nil {
		return mongodb.Snapshot{}, err
	}
	return session.look(ctx, w.wanted()), nil
}

// logObstacle says once why there is no client.
func (w *watch) logObstacle(err error) {
	obstacle := ""
	if err != nil {
		obstacle = err.Error()
	}
	if obstacle != "" && obstacle != w.obstacle {
		w.log.Info("The database cannot be watched yet", "reason", obstacle)
	}
	w.obstacle = obstacle
}

// ensureSession keeps the client unless the target needs another one.
func (w *watch) ensureSession(ctx context.Context) (*session, error) {
	target := w.wanted()
	if w.session != nil && w.session.target.connectsAlike(target) {
		return w.session, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	session, err := open(ctx, target, w.next, w.wakeUp)
	if err != nil {
		return nil, err
	}
	w.closeSession()
	w.session = session
	w.next = w.next && session.credentials.hasNextAdmin()
	return session, nil
}

// renewCredentials gives up a client whose password is refused while the Secret has another one: since it was read, or
// beside it, because an operator died after the database had learned the next one. It says whether there is another.
func (w *watch) renewCredentials(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	credentials, err := w.session.target.Credentials(ctx)
	switch {
	case err != nil:
		return false
	case credentials.Admin.Login != w.session.self:
		w.next = false
	case credentials.hasNextAdmin():
		w.next = true
	default:
		return false
	}
	w.closeSession()
	return true
}

func (w *watch) wanted() Target {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.target
}

func (w *watch) drop() {
	w.looking.Lock()
	defer w.looking.Unlock()
	w.closeSession()
}

// closeSession is called with looking held.
func (w *watch) closeSession() {
	if w.session != nil {
		w.session.close()
		w.session = nil
	}
	if w.external != nil {
		w.external.close()
		w.external = nil
	}
}

// awaits says that others have yet to do their part, sooner or later, or never: clients let go of a user whose place
// another one has taken, agents bring mongod to a new certificate.
func awaits(s mongodb.Snapshot, target Target) bool {
	return len(s.Retired) > 0 || slices.ContainsFunc(target.Hosts, func(host string) bool {
		return s.Probes[host].Reached && target.awaits(s.Reports, host)
	})
}

// settled says that nothing is expected to change by itself.
func settled(s mongodb.Snapshot, hosts []string) bool {
	if s.External != nil {
		return s.External.Stands()
	}
	if s.Config == nil || s.Primary == "" || !s.Config.Committed || s.AppUser != mongodb.UserPresent ||
		s.MetricsUser == mongodb.UserMissing || s.BackupUser == mongodb.UserMissing {
		return false
	}
	for _, next := range s.NextUsers {
		if next != mongodb.UserPresent {
			return false
		}
	}
	votes := 0
	for _, m := range s.Config.Members {
		votes += m.Votes
		probe := s.Probes[m.Host]
		if s.Reports[m.Host].Stopped {
			continue // it does not run because it is not to
		}
		serves := probe.State == mongodb.StatePrimary || probe.State == mongodb.StateSecondary && probe.Lag == mongodb.LagNone
		if !serves {
			return false
		}
	}
	for _, host := range hosts {
		if s.Reports[host].Stopped {
			continue
		}
		if state := s.Probes[host].State; state != mongodb.StatePrimary && state != mongodb.StateSecondary {
			return false
		}
	}
	return votes == s.Config.Voters
}
