package replset

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"chatpdf.dev/operator/internal/mongodb"
)

// execute takes the step and looks again, whatever came of it.
func (w *watch) execute(ctx context.Context, step mongodb.Step) error {
	err := w.take(ctx, step)
	if step.Kind != mongodb.RecordIdentity && step.Kind != mongodb.RecordIntent && step.Kind != mongodb.RestartMember {
		w.look(ctx) // the other kinds have looked last of all
	}
	return err
}

func (w *watch) take(ctx context.Context, step mongodb.Step) error {
	switch step.Kind {
	case mongodb.UpdateAgent:
		return nil // the database has no part in it
	case mongodb.RecordIdentity:
		return w.confirmData(ctx, step)
	case mongodb.RecordIntent:
		return w.confirmEmpty(ctx, step)
	case mongodb.RestartMember:
		return w.confirmRestart(ctx, step)
	case mongodb.ForceReconfiguration:
		return w.forceReconfiguration(ctx, step)
	case mongodb.Bootstrap:
		return bootstrap(ctx, w.wanted(), step) // too long to keep anybody else from looking
	case mongodb.StepDown, mongodb.RaiseFeatureCompatibility:
		s, err := w.currentSession(ctx)
		if err != nil {
			return err
		}
		if step.Kind == mongodb.StepDown {
			return s.stepDown(ctx, step)
		}
		return s.raiseFeatureCompatibility(ctx, step)
	}
	w.looking.Lock()
	defer w.looking.Unlock()
	s, err := w.ensureSession(ctx)
	if err != nil {
		return err
	}
	switch step.Kind {
	case mongodb.EnsureUsers:
		return s.ensureApplicationUser(ctx)
	case mongodb.AddMember:
		return s.addMember(ctx, step)
	case mongodb.PromoteMember:
		return s.promoteMember(ctx, step)
	case mongodb.RemoveMember:
		return s.removeMember(ctx, step)
	case mongodb.ShortenElections:
		return s.shortenElections(ctx, step)
	case mongodb.EnsureMetricsUser:
		return s.ensureMetricsUser(ctx)
	case mongodb.EnsureBackupUser:
		return s.ensureBackupUser(ctx)
	case mongodb.EnsureAdminPassword:
		return s.ensureAdminPassword(ctx)
	case mongodb.DropUser:
		return s.dropUser(ctx, step)
	}
	return fmt.Errorf("%q is no step of the database", step.Kind)
}

// confirmEmpty is the last look before a volume is chosen to be initiated.
func (w *watch) confirmEmpty(ctx context.Context, step mongodb.Step) error {
	w.look(ctx)
	probes := w.latest().Probes
	for _, host := range step.Empty {
		if state := probes[host].State; state != mongodb.StateNotYetInitialized {
			return fmt.Errorf("%s is not empty any more, or not reached (%s): nothing was initiated; the next look decides anew", host, state)
		}
	}
	return nil
}

// confirmData is the last look before volumes are recorded as holding the data of the set.
func (w *watch) confirmData(ctx context.Context, step mongodb.Step) error {
	if len(step.Healthy) == 0 {
		return nil
	}
	w.look(ctx)
	probes := w.latest().Probes
	for _, host := range step.Healthy {
		probe := probes[host]
		if !probe.Reached || !servesAs(probe.State) {
			return fmt.Errorf("%s does not serve any more (%s): nothing was recorded; the next look decides anew", host, probe.State)
		}
	}
	return nil
}

// confirmRestart is the last look before a pod is deleted.
func (w *watch) confirmRestart(ctx context.Context, step mongodb.Step) error {
	w.look(ctx)
	snapshot := w.latest()
	if state := snapshot.Probes[step.Host].State; state != step.Expect {
		return fmt.Errorf("%s is %s, no longer %s: it was not restarted; the next look decides anew", step.Host, state, step.Expect)
	}
	if len(step.Healthy) > 0 && (snapshot.Primary == "" || !snapshot.Config.Committed) {
		return errors.New("the replica set is changing: no member was restarted; the next look decides anew")
	}
	for _, host := range step.Healthy {
		probe := snapshot.Probes[host]
		behind := probe.State == mongodb.StateSecondary && probe.Lag != mongodb.LagNone
		if behind || !servesAs(probe.State) {
			return fmt.Errorf("%s is %s and may be behind: %s was not restarted; it will be when all others have caught up", host, probe.State, step.Host)
		}
	}
	if len(step.Healthy) == 0 {
		return nil
	}
	s, err := w.currentSession(ctx)
	if err != nil {
		return err
	}
	primary, err := s.awaitCaughtUp(ctx, step.Healthy)
	if err == nil && primary == step.Host {
		err = fmt.Errorf("%s was elected meanwhile: it was not restarted; it will be when it has stepped down", step.Host)
	}
	return err
}

// currentSession is for what takes too long to keep anybody else from looking.
func (w *watch) currentSession(ctx context.Context) (*session, error) {
	w.looking.Lock()
	defer w.looking.Unlock()
	return w.ensureSession(ctx)
}

func (s *session) addMember(ctx context.Context, step mongodb.Step) error {
	config, err := s.configFor(ctx, step)
	if err != nil {
		return err
	}
	if known, in := config.member(step.Host); in {
		if known.ID != step.MemberID {
			return fmt.Errorf("%s is in the replica set configuration as member %d, not %d: the next look decides anew", step.Host, known.ID, step.MemberID)
		}
		return nil
	}
	if slices.ContainsFunc(config.known.Members, func(m knownMember) bool { return m.ID == step.MemberID }) {
		return fmt.Errorf("member id %d is taken by another member: the next look gives another one", step.MemberID)
	}
	votes := 1
	if !s.holdsVotesBack(ctx) {
		votes = 0
	}
	return s.reconfigure(ctx, config, with(step.Host, step.MemberID, votes), "adding "+step.Host, func(now *configuration) bool {
		_, in := now.member(step.Host)
		return in
	})
}

func (s *session) promoteMember(ctx context.Context, step mongodb.Step) error {
	config, err := s.configFor(ctx, step)
	if err != nil {
		return err
	}
	known, in := config.member(step.Host)
	if !in || known.Votes > 0 {
		return nil
	}
	return s.reconfigure(ctx, config, promoted(step.Host), "giving a vote to "+step.Host, func(now *configuration) bool {
		known, _ := now.member(step.Host)
		return known.Votes > 0
	})
}

func (s *session) removeMember(ctx context.Context, step mongodb.Step) error {
	config, err := s.configFor(ctx, step)
	if err != nil {
		return err
	}
	if _, in := config.member(step.Host); !in {
		return nil
	}
	set, err := readSet(ctx, s.client, readpref.Primary(), true)
	if err != nil {
		return err
	}
	if err := set.survives(step.Host); err != nil {
		return err
	}
	return s.reconfigure(ctx, config, without(step.Host), "removing "+step.Host, func(now *configuration) bool {
		_, in := now.member(step.Host)
		return !in
	})
}

func (s *session) shortenElections(ctx context.Context, step mongodb.Step) error {
	config, err := s.configFor(ctx, step)
	if err != nil {
		return err
	}
	short := func(now *configuration) bool { return now.summary().ElectionTimeout == mongodb.ElectionTimeout }
	if short(config) {
		return nil
	}
	return s.reconfigure(ctx, config, electingAfter(mongodb.ElectionTimeout), "setting electionTimeoutMillis", short)
}

// survives checks on the server's fresh word that the voters which remain have a healthy majority.
func (r *setReply) survives(leaving string) error {
	if r.self == leaving {
		return fmt.Errorf("%s is primary: it has to step down before it can be removed", leaving)
	}
	voters, healthy := 0, 0
	for _, c := range r.config.Members {
		if c.Votes == 0 || c.Host == leaving {
			continue
		}
		voters++
		if slices.ContainsFunc(r.members, func(m statusMember) bool {
			serves := m.State == string(mongodb.StatePrimary) || m.State == string(mongodb.StateSecondary)
			return m.Name == c.Host && serves && (m.Self || m.Health > 0)
		}) {
			healthy++
		}
	}
	if healthy <= voters/2 {
		return fmt.Errorf("without %s only %d of %d voters would be healthy: it stays until the others are", leaving, healthy, voters)
	}
	return nil
}

// stepDownSeconds is how long the old primary does not stand for election again.
const stepDownSeconds = 60

func (s *session) stepDown(ctx context.Context, step mongodb.Step) error {
	if _, err := s.configFor(ctx, step); err != nil {
		return err
	}
	primary, err := readSet(ctx, s.client, readpref.Primary(), true)
	if err != nil {
		return err
	}
	if primary.self != step.Host {
		return nil
	}
	successors := step.Healthy
	if len(successors) == 0 {
		successors = primary.secondaries()
	}
	if _, err := s.awaitCaughtUp(ctx, successors); err != nil {
		return err
	}
	command := bson.D{{Key: "replSetStepDown", Value: stepDownSeconds}, {Key: "secondaryCatchUpPeriodSecs", Value: 2}}
	if err := run(ctx, s.client, readpref.Primary(), command, nil); err != nil {
		return fmt.Errorf("asking %s to step down: %w", step.Host, err)
	}
	return nil
}

// configFor re-reads the configuration from the primary: the server changes it by itself when a
// new member has caught up.
func (s *session) configFor(ctx context.Context, step mongodb.Step) (*configuration, error) {
	config, err := readConfig(ctx, s.client, readpref.Primary(), true)
	if err != nil {
		return nil, err
	}
	if id := config.summary().ReplicaSetID; id != step.ReplicaSetID {
		return nil, fmt.Errorf("the primary belongs to replica set %s, not %s: nothing was changed; find out which one holds your data", id, step.ReplicaSetID)
	}
	return config, nil
}

// reconfigure changes the configuration by one version. The server takes it only if nobody has
// changed it since it was read. An answer that comes late is no failure: the change is there
// before a majority has taken it, and the next look says whether one has.
func (s *session) reconfigure(ctx context.Context, config *configuration, change change, what string, done func(*configuration) bool) error {
	command := bson.D{{Key: "replSetReconfig", Value: config.next(change)}}
	err := run(ctx, s.client, readpref.Primary(), command, nil)
	if err == nil {
		return nil
	}
	if now, readErr := readConfig(ctx, s.client, readpref.Primary(), true); readErr == nil && done(now) {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// wireVersion50 is what MongoDB 5.0 speaks: since then the server itself holds the vote of a new
// member back until it has caught up.
const wireVersion50 = 13

func (s *session) holdsVotesBack(ctx context.Context) bool {
	wire, err := s.wireVersion(ctx)
	return err == nil && wire >= wireVersion50
}
