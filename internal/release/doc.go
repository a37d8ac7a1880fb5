// Package release decides which pod templates run. It is pure.
//
// A release is the pod templates of the backend, the frontend and the database as they were
// accepted, kept in a ControllerRevision. What holds here:
//
//   - An operator upgrade replaces no running pod. Templates are rendered anew only when the part of
//     the spec that shapes them changes; other code, other default images and other flags of the
//     operator wait until then.
//   - The application and the database change independently: a new worker count never restarts
//     mongod, even if the operator was upgraded in between. Backend and frontend always run one image.
//   - A database whose image the spec leaves open keeps the image that it was accepted with: no
//     edit of something else may carry it to another version of MongoDB.
//   - A database template that does not start gives way to the newest one that has proved itself; it is
//     tried again when the spec changes.
//   - The release with the highest revision runs. Going back to an older one gives that one the
//     next number, as `kubectl rollout undo` does.
package release
