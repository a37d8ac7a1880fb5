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

// MetricsRole is the role, in the database admin, of the agent's metrics user. It is one of our own: the
// built-in clusterMonitor may read the oplog, and with it all that the application ever wrote.
const MetricsRole = "chatpdfMetrics"

// Privilege is what a role may do with one thing, in the form that createRole takes.
type Privilege struct {
	Resource Resource `bson:"resource"`
	Actions  []string `bson:"actions"`
}

// Resource is the whole cluster, or a database or collection.
type Resource struct {
	Cluster    bool    `bson:"cluster,omitempty"`
	Database   *string `bson:"db,omitempty"`
	Collection *string `bson:"collection,omitempty"`
}

// MetricsPrivileges are all that MetricsRole may do: read the state of the server and of the replica set,
// the log of the server, the size of the oplog and how full the disk is.
func MetricsPrivileges() []Privilege {
	return []Privilege{
		{Resource{Cluster: true}, []string{"serverStatus", "replSetGetStatus", "getLog"}},
		{Resource{Database: new("local"), Collection: new("oplog.rs")}, []string{"collStats"}},
		{Resource{Database: new("admin"), Collection: new("")}, []string{"dbStats"}},
	}
}

// ReportPath is the endpoint that tells what mongod goes by: GET over HTTPS. Certificates are shown to whoever connects;
// what is said of the keyfile takes the header "Authorization: Bearer TOKEN".
const ReportPath = "/v1/report"

// Report is the answer with status 200. Certificates are named as package trust does, the keyfile as package keyfile does.
type Report struct {
	// PodUID of the member's pod.
	PodUID string `json:"podUID"`
	// Serves is the member's own certificate; empty before mongod has read it since the agent was started.
	Serves string `json:"serves"`
	// Trusts are the authorities that mongod has read, likewise.
	Trusts []string `json:"trusts"`
	// Fences says that this agent keeps mongod from starting where it is told to.
	Fences bool `json:"fences"`
	// Fenced says that mongod does not start in this pod, or will not the next time.
	Fenced bool `json:"fenced"`
	// Stopped says that it is fenced and that nothing listens in mongod's place.
	Stopped bool `json:"stopped"`
	// Keyfile that mongod was started with. It may have been started again since, with a later one. Empty without the
	// token.
	Keyfile string `json:"keyfile"`
}
