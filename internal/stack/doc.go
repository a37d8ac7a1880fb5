// Package stack turns a ChatPDFDeployment and the decisions of this pass into the objects that
// should exist. It is pure: no clock, no randomness, no API server.
//
// [Candidate] renders the pod templates that the spec asks for; package release decides which
// templates run; [Build] makes everything else around them. What holds here:
//
//   - Every object is a typed apply configuration that names only the fields the operator cares
//     about. Everything else belongs to the API server and to others.
//   - Absent fields of the spec get their value here, from defaults.go, and never in the spec.
//   - Every pod meets the restricted Pod Security Standard, has explicit requests and limits, and
//     carries no API token. Secrets reach pods as files of whole volumes, which follow changes.
//   - Generated Secrets are recipes: which keys, made how. Their content is made by package apply.
//   - Replicas of Deployments are not part of the Deployments: see [Replicas].
package stack
