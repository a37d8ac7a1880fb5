// Package api tests the operator against a real kube-apiserver and etcd, and against real mongod
// processes where it needs a database.
//
// Passes run directly, one call of Reconcile at a time, with a clock that the tests move. Nothing
// else runs in such a cluster, so the tests play the rest: they make the pods and claims that the
// StatefulSet's controller would make, say what a kubelet and the Deployments' controller would say,
// and delete what the garbage collector would.
package api
