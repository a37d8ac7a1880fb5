// Package controllers reconciles one kind per file: observe, plan, apply, status.
//
//	ChatPDFDeployment -> observe -> plan -> apply -> status
//	                     every read  pure    every write  once, only if it changed
//
// What holds here:
//
//   - A pass takes one step of the database at most, after all objects are written, and then looks
//     again: the next step is decided from what can be seen.
//   - A pass that finds everything as it should be writes nothing.
//   - At steady state nothing is polled but the Secrets that the spec names, which the operator has no
//     right to watch. What it is told about wakes it; else it looks again by itself only while something
//     is wrong that nobody would tell it about.
package controllers
