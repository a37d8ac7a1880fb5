package replset

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"chatpdf.dev/operator/internal/mongodb"
)

// look asks whoever must be asked and puts the answers together.
func (s *session) look(ctx context.Context, target Target) mongodb.Snapshot {
	hosts, kinds := target.Hosts, s.kinds()
	probes := map[string]mongodb.Probe{}
	for _, host := range slices.Concat(hosts, slices.Collect(maps.Keys(kinds))) {
		probes[host] = mongodb.Probe{Reached: true, State: kinds[host], KnowsAdmin: s.loggedIn}
	}
	s.askSilent(ctx, probes)

	snapshot := mongodb.Snapshot{Probes: probes, SecretsVersion: s.target.SecretsVersion}
	set, err := s.readSet(ctx, probes)
	switch {
	case err == nil && set != nil:
		snapshot.Login = mongodb.LoginSucceeded
		snapshot.Config = set.config
		if set.writable {
			snapshot.Primary = set.self
			s.users(ctx, set, &snapshot)
			s.diskUse(ctx)
			known := s.featureCompatibility(ctx)
			snapshot.FeatureCompatibility, snapshot.Raising = known.data, known.raising
		}
		set.describe(probes)
	case isAuthenticationFailure(err):
		snapshot.Login = mongodb.LoginRefused
	}
	snapshot.Disk = s.disk
	s.askWhichSet(ctx, snapshot)
	snapshot.Reports = s.askAgents(ctx, target, probes)
	return snapshot
}

// kinds are the states that the driver's own monitoring has seen, by host; hosts that it cannot
// reach, or that are neither primary nor secondary, have none.
func (s *session) kinds() map[string]mongodb.State {
	kinds := map[string]mongodb.State{}
	topology := s.topology.Load()
	if topology == nil {
		return kinds
	}
	for _, server := range topology.Servers {
		host := server.Addr.String()
		switch server.Kind {
		case "RSPrimary":
			kinds[host] = mongodb.StatePrimary
		case "RSSecondary":
			kinds[host] = mongodb.StateSecondary
		default:
			kinds[host] = ""
		}
	}
	return kinds
}

// askSilent says hello to every member of which the driver's monitoring does not know enough.
func (s *session) askSilent(ctx context.Context, probes map[string]mongodb.Probe) {
	var (
		wait sync.WaitGroup
		mu   sync.Mutex
	)
	for host, probe := range maps.Clone(probes) {
		if probe.State != "" && s.loggedIn {
			continue
		}
		wait.Go(func() {
			answer := probeMember(ctx, s.target, host, s.self.Username)
			mu.Lock()
			defer mu.Unlock()
			probes[host] = answer
		})
	}
	wait.Wait()
}

// readSet reads configuration and status from the primary, or else from any member that knows our
// user; nil if there is none.
func (s *session) readSet(ctx context.Context, probes map[string]mongodb.Probe) (*setReply, error) {
	from, writable := readpref.Nearest(), false
	serving := false
	for _, probe := range probes {
		known := s.loggedIn || probe.KnowsAdmin
		switch {
		case probe.State == mongodb.StatePrimary && known:
			from, writable, serving = readpref.Primary(), true, true
		case probe.State == mongodb.StateSecondary && known:
			serving = true
		}
	}
	if !serving {
		return nil, nil
	}
	set, err := readSet(ctx, s.client, from, writable)
	if writable && isNotPrimary(err) {
		set, err = readSet(ctx, s.client, readpref.Nearest(), false)
	}
	if err == nil {
		s.loggedIn = true
	}
	return set, err
}

// setReply is what one member says about its whole set.
type setReply struct {
	config   *mongodb.Config
	self     string
	writable bool
	members  []statusMember
}

type statusMember struct {
	Name       string    `bson:"name"`
	Health     float64   `bson:"health"`
	State      string    `bson:"stateStr"`
	OptimeDate time.Time `bson:"optimeDate"`
	Self       bool      `bson:"self"`
	SyncSource string    `bson:"syncSourceHost"`
	Optime     struct {
		Timestamp bson.Timestamp `bson:"ts"`
	} `bson:"optime"`
}

func readSet(ctx context.Context, client *mongo.Client, from *readpref.ReadPref, writable bool) (*setReply, error) {
	config, err := readConfig(ctx, client, from, writable)
	if err != nil {
		return nil, err
	}
	var status struct {
		Voters  int            `bson:"votingMembersCount"`
		Members []statusMember `bson:"members"`
	}
	if err := run(ctx, client, from, bson.D{{Key: "replSetGetStatus", Value: 1}}, &status); err != nil {
		return nil, err
	}
	set := &setReply{config: config.summary(), members: status.Members}
	set.config.Voters = status.Voters
	for _, m := range status.Members {
		if m.Self {
			set.self = m.Name
			set.writable = writable && m.State == string(mongodb.StatePrimary)
		}
	}
	return set, nil
}

// describe puts into the probes what the set itself says of its members, which counts more than
// what one member says of itself.
func (r *setReply) describe(probes map[string]mongodb.Probe) {
	primary := slices.IndexFunc(r.members, func(m statusMember) bool { return m.State == string(mongodb.StatePrimary) })
	for _, m := range r.members {
		probe := probes[m.Name]
		switch {
		case probe.Reached && probe.State != "" && !servesAs(probe.State) && servesAs(mongodb.State(m.State)):
			// The member itself knows better that it has just started.
		case m.Self || m.Health > 0:
			probe.State = mongodb.State(m.State)
		case probe.Reached:
			probe.State = mongodb.StateDown
		default:
			probe.State = mongodb.StateUnreachable
		}
		serves := servesAs(probe.State)
		if serves {
			// Members that take each other's heartbeats have the same set id and the same users.
			probe.ReplicaSetID, probe.KnowsAdmin = r.config.ReplicaSetID, true
		}
		if serves && primary >= 0 {
			probe.Lag = lagBucket(r.members[primary].OptimeDate.Sub(m.OptimeDate))
		}
		probes[m.Name] = probe
	}
}

func servesAs(state mongodb.State) bool {
	return state == mongodb.StatePrimary || state == mongodb.StateSecondary
}

// lagBucket has its first limit above the 10 seconds between two no-op writes of an idle primary.
func lagBucket(lag time.Duration) mongodb.Lag {
	switch {
	case lag <= 15*time.Second:
		return mongodb.LagNone
	case lag <= time.Minute:
		return mongodb.LagSome
	}
	return mongodb.LagHigh
}

// askWhichSet reads the set's id from members that hold data while the set does not vouch for
// them: taken out of the configuration, or of another set altogether.
func (s *session) askWhichSet(ctx context.Context, snapshot mongodb.Snapshot) {
	if snapshot.Login != mongodb.LoginSucceeded {
		return
	}
	var (
		wait sync.WaitGroup
		mu   sync.Mutex
	)
	for host, probe := range maps.Clone(snapshot.Probes) {
		if !probe.Reached || !probe.KnowsAdmin || probe.ReplicaSetID != "" {
			continue
		}
		wait.Go(func() {
			id, err := s.replicaSetIDOf(ctx, host)
			if err != nil {
				return // asked again at the next look
			}
			mu.Lock()
			defer mu.Unlock()
			probe.ReplicaSetID = id
			snapshot.Probes[host] = probe
		})
	}
	wait.Wait()
}

func (s *session) replicaSetIDOf(ctx context.Context, host string) (string, error) {
	client, err := s.direct(host, s.self.Username, s.self.Password)
	if err != nil {
		return "", err
	}
	defer disconnect(client)
	config, err := readConfig(ctx, client, readpref.Nearest(), false)
	if err != nil {
		return "", err
	}
	return config.summary().ReplicaSetID, nil
}

func disconnect(client *mongo.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	client.Disconnect(ctx) //nolint:errcheck // what could not be closed in time is closed by the server
}

// Error codes of the server (https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml).
const (
	codeAuthenticationFailed = 18
	codeUserExists           = 51003
	codeRoleExists           = 51002
	codeNotWritablePrimary   = 10107
)

func isAuthenticationFailure(err error) bool { return hasCode(err, codeAuthenticationFailed) }

func isNotPrimary(err error) bool { return hasCode(err, codeNotWritablePrimary) }

func hasCode(err error, code int) bool {
	var server mongo.ServerError
	return errors.As(err, &server) && server.HasErrorCode(code)
}
