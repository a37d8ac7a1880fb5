// Package observe gathers everything that one pass needs to know into one value.
//
// What holds here:
//
//   - A pass that could not read everything ends: nobody downstream has to ask whether an absent
//     object is absent or merely unread.
//   - Secrets are read by name and never listed, watched or cached, and their content stays here:
//     others learn which keys have something in them.
//   - Everything else comes from the manager's cache, which holds only what carries the operator's
//     label. Where "missing" would be dangerous, the API server is asked itself.
//   - Whatever is slow or rare (events, storage classes) is read only in trouble.
package observe
