// Package status judges what was observed and writes the judgement: conditions, counts, events and
// the condition metric.
//
// What holds here:
//
//   - [Judge] is pure. [Writer] writes once, at the end of a pass, and only if something changed in
//     meaning; events come from the same transitions.
//   - Ready, Reconciling and Stalled follow kstatus. Reconciling: the operator or the cluster is
//     working on it. Stalled: only a person can help, or nothing has moved for [ProgressDeadline].
//     Both stand only while they are true. While everything serves but not everything is as the
//     spec asks, Ready is Unknown: a tool that waits keeps waiting, and an alert on False stays quiet.
//   - A message names the object and says what to do. It holds no number that moves by itself, and
//     never what is in a Secret.
//   - Status is a mirror. Nothing is remembered in it alone but since when something is so.
package status
