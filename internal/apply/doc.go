// Package apply writes objects to the API server. Apart from package status it is the only writer.
//
// What holds here:
//
//   - Server-side apply as [Manager], by force: what the operator names it owns. What it does not
//     name belongs to others and is left alone.
//   - No write without a difference: what Manager owns in the live object is compared with what is
//     desired, so a pass over an unchanged deployment writes nothing, and a field that somebody
//     else took over is taken back.
//   - Generated Secrets are only ever created. AlreadyExists means that theirs counts. The one exception
//     are certificates, which are made anew in their Secret.
//   - Nothing that another controller owns is touched.
//   - Deleting is for listed kinds, by owner, with a UID precondition; never volume claims, never
//     credentials.
package apply
