// Package mongodb decides what happens to a replica set next.
//
// It is pure: [Next] turns one [Observed] into one [Decision], which is a single [Step], or the
// named reason why there is none. Nothing here reads a clock, a network or an API server; the
// room internal/mongodb/replset watches real replica sets and carries steps out.
//
// What holds:
//
//   - A replica set is initiated once. The identity (the set's id) is recorded outside of the
//     resource's status, in a ConfigMap and on the volume claims, and while it is recorded
//     anywhere nothing is initiated again.
//   - A member that does not answer is unknown. It is never taken for empty.
//   - The configuration changes by one member at a time, and only while the voters that remain
//     have a healthy majority.
//   - The member id of the replica set configuration is never used again for another volume.
//   - No two members are down by our own act.
//   - The StatefulSet shrinks only after a pass has seen the member gone from a configuration
//     that a majority has taken.
package mongodb
