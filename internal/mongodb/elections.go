package mongodb

import "time"

// ElectionTimeout is how long members do not hear of a primary before they elect another one. Half of MongoDB's default
// leaves time for a second election, where the first one ends without a winner, within the 15 seconds that a killed primary
// may be missed; it is still more than two heartbeats.
const ElectionTimeout = 5 * time.Second

// defaultElectionTimeout is MongoDB's own
// (https://www.mongodb.com/docs/manual/reference/replica-configuration/#mongodb-rsconf-rsconf.settings.electionTimeoutMillis).
const defaultElectionTimeout = 10 * time.Second

// electionTimeout shortens MongoDB's default. Any other value was chosen by a person, who may know a slow network: it stays.
func electionTimeout(v view) *Decision {
	if v.Database.Config.ElectionTimeout != defaultElectionTimeout {
		return nil
	}
	return take(Step{Kind: ShortenElections, ReplicaSetID: v.identity.ReplicaSetID},
		"Having members elect another primary after %s without one, instead of %s.", ElectionTimeout, defaultElectionTimeout)
}
