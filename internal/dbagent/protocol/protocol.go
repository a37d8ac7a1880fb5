// Package protocol is what the operator and the agent beside mongod say to each other.
package protocol

// BootstrapPath is the endpoint that initiates a replica set: POST over HTTPS with the header
// "Authorization: Bearer TOKEN".
const BootstrapPath = "/v1/bootstrap"

// BootstrapRequest names the one member that may be initiated. The agent refuses if it is not that
// member.
type BootstrapRequest struct {
	// PodUID of the member's pod.
	PodUID string `json:"podUID"`
	// MemberHost is the member's host in the configuration, with port.
	MemberHost string `json:"memberHost"`
	// ReplicaSet is the set's name.
	ReplicaSet string `json:"replicaSet"`
}

// BootstrapReply is the answer with status 200. The admin's password has logged in.
type BootstrapReply struct {
	// ReplicaSetID is settings.replicaSetId of the configuration, in hexadecimal.
	ReplicaSetID string `json:"replicaSetID"`
}

// Refusal is the answer with any other status: 400 a request that is none, 401 a wrong token, 409
// the member is another one or holds something else, 503 not yet, worth a retry.
type Refusal struct {
	// Reason is a sentence without any secret.
	Reason string `json:"reason"`
}

// Role is a role of a database user, in the form that createUser takes.
type Role struct {
	Name     string `bson:"role"`
	Database string `bson:"db"`
}

// MetricsRoles are the roles that the agent's metrics user needs, and all that it should have: it
// reads the state of the server and of the replica set, and of the database local the size of the
// oplog. The user is one of the database admin.
var MetricsRoles = []Role{{Name: "clusterMonitor", Database: "admin"}, {Name: "read", Database: "local"}}
