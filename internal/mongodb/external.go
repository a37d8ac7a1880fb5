package mongodb

import (
	"fmt"
	"strings"
)

// External is what was seen of a database that somebody else runs.
type External struct {
	// Refused is what is wrong with the connection string or the authorities, without any secret; empty if nothing is.
	Refused string
	// Error is why no server could be asked, without any secret; empty if one was.
	Error string
	// Login is whether the user of the connection string may log in.
	Login Login
	// Kind of the database; empty while it is not known.
	Kind ExternalKind
	// Writable says that a server takes writes.
	Writable bool
	// Old says that a server is older than MongoDB 4.4.
	Old bool
	// Encrypted says that the connection string asks for TLS.
	Encrypted bool
	// Authenticated says that the connection is that of a user.
	Authenticated bool
	// Database that the application is to use.
	Database string
	// Missing are the actions that the user may not take there, in MongoDB's words.
	Missing []string
}

// ExternalKind is what a database consists of.
type ExternalKind string

// Kinds of databases.
const (
	ExternalReplicaSet ExternalKind = "ReplicaSet"
	ExternalSharded    ExternalKind = "Sharded"
	ExternalStandalone ExternalKind = "Standalone"
)

// ExternalActions are what the application does with its database, in MongoDB's words
// (https://www.mongodb.com/docs/manual/reference/privilege-actions/). The role readWrite has them all.
var ExternalActions = []string{"find", "insert", "update", "remove", "createCollection", "createIndex", "changeStream"}

// JudgeExternal says whether the application can work with the database whose connection string is in that Secret. Nothing is
// ever to be done: the decision has no step.
func JudgeExternal(secret string, e *External) (Decision, Availability, Health) {
	decision := e.judge(secret)
	availability := Availability{Available: decision.Settled, Reason: decision.Reason, Message: decision.Message}
	health := Health{Healthy: decision.Settled, Known: e != nil, Reason: decision.Reason, Message: decision.Message}
	switch {
	case !decision.Settled:
	case !e.Encrypted:
		health = Health{Known: true, Reason: ReasonConnectionInTheClear, Message: fmt.Sprintf(
			"Passwords apart, everything goes to the database in the clear. Set tls=true in the connection string of Secret %s.", secret)}
	case !e.Authenticated:
		health = Health{Known: true, Reason: ReasonAccessControlOff, Message: fmt.Sprintf(
			"The database lets everybody in: the connection string of Secret %s names no user. Turn its access control on, and make a user with the role readWrite.", secret)}
	}
	return decision, availability, health
}

func (e *External) judge(secret string) Decision {
	switch {
	case e == nil:
		return *wait(ReasonNotObservedYet, "The database has not been asked yet.")
	case e.Refused != "":
		return *stall(ReasonConnectionString, "The connection string in Secret %s is not taken: %s.", secret, e.Refused)
	case e.Login == LoginRefused:
		return *stall(ReasonCredentialsRefused, "The database refuses the user and password of the connection string in Secret %s. Put the present ones there.", secret)
	case e.Error != "":
		return *wait(ReasonDatabaseUnreachable, "The database of the connection string in Secret %s does not answer: %s.", secret, e.Error)
	case e.Kind == ExternalStandalone:
		return *stall(ReasonDatabaseUnsuitable, "The database of Secret %s is a single server, which knows no transactions. Make it a replica set, of one member if need be.", secret)
	case e.Old:
		return *stall(ReasonDatabaseUnsuitable, "The database of Secret %s is older than MongoDB 4.4. Upgrade it.", secret)
	case !e.Writable:
		return *wait(ReasonNoPrimary, "The database of Secret %s answers, but has no primary.", secret)
	case len(e.Missing) > 0:
		return *stall(ReasonPrivilegesMissing, "The user of the connection string in Secret %s may not %s in the database %s. Give it the role readWrite there.",
			secret, strings.Join(e.Missing, ", "), e.Database)
	}
	return Decision{Reason: ReasonDatabaseReached, Message: fmt.Sprintf("The database of Secret %s can be used.", secret), Settled: true}
}

// Stands says that nothing is expected to change by itself: it can be used, or a person has to help.
func (e *External) Stands() bool {
	decision := e.judge("")
	return decision.Settled || decision.Stalled
}
