// Package backup writes a database into an archive and brings it back.
//
// What holds:
//
//   - A backup is the database at one moment, not while it was being read: every collection is read at the
//     same cluster time, chosen after the backup began. Everything acknowledged before is in it. No oplog is
//     replayed when it is restored, so nothing a server may write into its oplog can spoil a restore.
//   - A backup exists once its manifest does, which is written last. What an aborted run leaves has none.
//   - A restore is prepared beside the data, read back and compared with the manifest, and only then takes
//     their place. Until then the database is as it was; after that it holds what the backup holds and
//     nothing else.
//   - Users, roles and anything outside the one database are neither saved nor touched: credentials belong to
//     Secrets, and a restored user would lock the operator out.
//   - Archives are made of common things, in case nothing of ours is at hand: tar, compressed with zstd,
//     encrypted with age if that is asked for. See [Writer].
package backup
