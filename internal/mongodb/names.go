package mongodb

import (
	"fmt"
	"strconv"
	"strings"
)

// Port is where every mongod listens.
const Port = 27017

// AgentPort is where every member's dbagent listens.
const AgentPort = 8443

// StatefulSetName is the name of the StatefulSet, of its headless Service and of its
// ServiceAccount.
func StatefulSetName(deployment string) string { return deployment + "-mongodb" }

// PodName is the name of one member's pod.
func PodName(deployment string, ordinal int) string {
	return StatefulSetName(deployment) + "-" + strconv.Itoa(ordinal)
}

// ClaimName is the name of one member's volume claim.
func ClaimName(deployment string, ordinal int) string {
	return "data-" + PodName(deployment, ordinal)
}

// Credential is a user's name or password as its Secret has it, without the line break that editors and echo leave at
// its end. MongoDB takes no control character in either (RFC 4013, section 2.3), so that none is lost.
func Credential(secret []byte) string { return strings.TrimRight(string(secret), "\r\n") }

// MemberHost is the name, with port, under which a member stands in the replica set
// configuration. It is fully qualified: a short name stops resolving as soon as a member's search
// path differs.
func MemberHost(deployment, namespace, clusterDomain string, ordinal int) string {
	return fmt.Sprintf("%s.%s.%s.svc.%s:%d", PodName(deployment, ordinal), StatefulSetName(deployment), namespace, clusterDomain, Port)
}

// AdminSecretName is the Secret with the operator's own user.
func AdminSecretName(deployment string) string { return StatefulSetName(deployment) + "-admin" }

// AppSecretName is the Secret with the application's user.
func AppSecretName(deployment string) string { return StatefulSetName(deployment) + "-app" }

// MetricsSecretName is the Secret with the user that the agents ask for metrics with.
func MetricsSecretName(deployment string) string { return StatefulSetName(deployment) + "-metrics" }

// BackupSecretName is the Secret with the user that backups are read with.
func BackupSecretName(deployment string) string { return StatefulSetName(deployment) + "-backup" }

// IdentityName is the ConfigMap that remembers the replica set's identity.
func IdentityName(deployment string) string { return StatefulSetName(deployment) + "-identity" }
