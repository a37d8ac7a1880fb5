// Package podtest runs members of a replica set for tests the way their pods do: a real mongod
// with keyfile, users and required TLS, under its fully qualified name on port 27017, and a real
// dbagent beside it on port 8443.
//
// Each pod has a loopback address of its own. mongod resolves the names of the members through a
// hosts file that only it sees, in a mount namespace; the test dials through [Cluster.Dial].
// Linux only, and either root or unprivileged user namespaces.
package podtest
