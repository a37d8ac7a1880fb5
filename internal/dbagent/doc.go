// Package dbagent is the process beside each mongod: it prepares what mongod needs before it can
// start, says how this one member is, and initiates a replica set when the operator asks this
// member to.
//
// What holds:
//
//   - mongod never depends on the agent once it runs. Its liveness probe is a copy of this binary
//     on a volume of the pod, so that an agent which does not start restarts nothing.
//   - Nothing is initiated but by the operator's token, for this very pod, and only a login with
//     the admin's password proves that it worked.
//   - A new certificate is served without a restart: mongod is told to read its files again, and that
//     it does is seen on a connection.
//   - Metrics come from this member's mongod alone, in bounded time, over connections that are kept.
//     What mongod does not tell is left out; no value of an operation is ever told.
//   - Secrets are files, read again on use; they never stand in a log line, an answer or a command
//     line.
package dbagent
