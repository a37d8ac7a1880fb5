package mongodb

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Snapshot is what the watcher saw of a replica set last. Numbers that wiggle are bucketed, so
// that two snapshots are equal unless something happened.
type Snapshot struct {
	// External is what was seen of a database that somebody else runs, and then all that was seen; else nil.
	External *External
	// SecretsVersion is that of the Secrets which the watcher went by.
	SecretsVersion string
	// Login is whether the operator's own user may log in.
	Login Login
	// Primary is the host of the member that takes writes; empty if there is none.
	Primary string
	// Config is the replica set configuration as the primary holds it, or any member that has data
	// if there is no primary; nil if none could be read.
	Config *Config
	// Probes are what each member said, by host. A host without an entry was not asked yet.
	Probes map[string]Probe
	// FeatureCompatibility of the data, as the primary says; zero while none could be asked. It is the
	// lower one while it is being raised.
	FeatureCompatibility Series
	// Raising is what the feature compatibility is being raised to; zero if that was not begun, or is done.
	Raising Series
	// Disk of the primary.
	Disk Disk
	// AppUser is whether the application's user exists with its role and its password.
	AppUser UserState
	// MetricsUser is the same of the user with which the agents ask for metrics.
	MetricsUser UserState
	// BackupUser is the same of the user with which backups are read.
	BackupUser UserState
	// NextUsers are the same of those that are to take the place of one of them, by username.
	NextUsers map[string]UserState
	// Reports are what the members' agents said last, by host; members whose agent was not reached have none.
	Reports map[string]Report
	// Retired are the users that have given their place to another one and still exist.
	Retired []RetiredUser
}

// Report is what a member goes by, as the agent beside it says.
type Report struct {
	// Mute says that the agent is of a release that cannot say: the rest is empty.
	Mute bool
	// PodUID of the pod that it goes for.
	PodUID types.UID
	// Serves is the member's own certificate, by its fingerprint; empty while the agent does not know.
	Serves string
	// Trusts are the authorities that it takes others' certificates of, likewise.
	Trusts []string
	// Fences says that the agent is of a release that keeps mongod from starting.
	Fences bool
	// Fenced says that mongod does not start in that pod, or will not the next time; Stopped, that it does not run.
	Fenced, Stopped bool
	// Keyfile that mongod was started with at the earliest, by its fingerprint.
	Keyfile string
}

// Login is the outcome of logging in with the operator's own user.
type Login string

// Outcomes of logging in.
const (
	// LoginUnknown: no member has been asked, or none that could tell.
	LoginUnknown Login = ""
	// LoginSucceeded: the password opens the replica set.
	LoginSucceeded Login = "Succeeded"
	// LoginRefused: a member that is part of a replica set refused the user or the password.
	LoginRefused Login = "Refused"
)

// UserState is whether a database user is as it should be.
type UserState string

// States of a user.
const (
	// UserUnknown: nobody could be asked.
	UserUnknown UserState = ""
	// UserPresent: the user exists, with its role, and its password logs in.
	UserPresent UserState = "Present"
	// UserMissing: the user does not exist, or its role or its password is another.
	UserMissing UserState = "Missing"
)

// State is a member's state, in MongoDB's own words.
type State string

// States of a member (https://www.mongodb.com/docs/manual/reference/replica-states/), and two
// of ours.
const (
	StateStartup    State = "STARTUP"
	StatePrimary    State = "PRIMARY"
	StateSecondary  State = "SECONDARY"
	StateRecovering State = "RECOVERING"
	StateStartup2   State = "STARTUP2"
	StateUnknown    State = "UNKNOWN"
	StateArbiter    State = "ARBITER"
	StateDown       State = "DOWN"
	StateRollback   State = "ROLLBACK"
	StateRemoved    State = "REMOVED"

	// StateNotYetInitialized is a member that answers, has no replica set configuration and does
	// not know the operator's user: its volume is empty. A member that was taken out of the
	// configuration is StateRemoved.
	StateNotYetInitialized State = "NOT_YET_INITIALIZED"
	// StateFenced is a member whose mongod does not run because the spec says so.
	StateFenced State = "FENCED"
	// StateUnreachable is a member that does not answer.
	StateUnreachable State = "UNREACHABLE"
)

// Lag is how far a secondary is behind the primary, bucketed.
type Lag string

// Buckets of lag.
const (
	// LagUnknown: there is no primary to compare with, or the member does not say.
	LagUnknown Lag = ""
	// LagNone is up to 10 seconds, which an idle set reaches between two no-op writes.
	LagNone Lag = "None"
	// LagSome is up to a minute.
	LagSome Lag = "Some"
	// LagHigh is more than a minute.
	LagHigh Lag = "High"
)

// Probe is what one member said.
type Probe struct {
	// Reached says that the member answered the last question that it was asked.
	Reached bool
	// State of the member. What the primary says counts, unless the member itself says otherwise.
	State State
	// SetName is the replica set name that the member gives; empty without a configuration.
	SetName string
	// KnowsAdmin says that the operator's own user exists on this member. It tells an empty volume
	// from one that holds data but is part of no configuration now.
	KnowsAdmin bool
	// ReplicaSetID of the member's own configuration; empty if it has none or it was not told.
	ReplicaSetID string
	// Lag behind the primary.
	Lag Lag
	// Error is why the member was not reached, without any secret; empty if it was.
	Error string
}

// Config is a replica set configuration.
type Config struct {
	// ReplicaSetID is settings.replicaSetId, in hexadecimal.
	ReplicaSetID string
	// Version and Term order configurations.
	Version, Term int64
	// Committed says that a majority has taken this configuration. Only a primary can tell.
	Committed bool
	// Voters is how many members vote now. The server itself holds the vote of a member that was
	// added back until it has caught up ("newlyAdded") without showing that in the configuration:
	// then Voters is less than the sum of Votes.
	Voters int
	// ElectionTimeout is how long members do not hear of a primary before they elect another one.
	ElectionTimeout time.Duration
	// Members in the configuration.
	Members []ConfigMember
}

// ConfigMember is one member of a replica set configuration.
type ConfigMember struct {
	// ID is the member's _id.
	ID int
	// Host with port.
	Host string
	// Votes is 1 for a voter, else 0.
	Votes int
	// Priority 0 can never become primary.
	Priority float64
}

// Holds says that a member is part of the configuration, or that there is none to tell.
func (c *Config) Holds(host string) bool {
	_, in := c.member(host)
	return c == nil || in
}

// member returns the configuration's member of that host.
func (c *Config) member(host string) (ConfigMember, bool) {
	if c == nil {
		return ConfigMember{}, false
	}
	for _, m := range c.Members {
		if m.Host == host {
			return m, true
		}
	}
	return ConfigMember{}, false
}
