// Package replset keeps an eye on real replica sets and changes them.
//
// A [Watcher] runs on the leader only. It holds one client of the MongoDB driver for each
// deployment. Changes of the topology wake the controller at once; what the driver does not
// tell is sampled every 30 seconds. Members that are no part of a set yet are asked one by one,
// and only for as long as they are not. At steady state nothing connects again and no command is
// sent but the driver's monitoring and the sample.
//
// Execute carries out one step of package mongodb. Every call to a member takes 3 seconds at
// most, but for bootstrap and for raising the feature compatibility, which have a minute; before a
// restart or a step-down it waits up to 15 seconds for the others to catch up. What takes long keeps
// nobody from looking. No error holds a secret.
package replset
