// Package frontdoor walks a user's path through a running ChatPDF, from outside: sign in, upload a
// PDF, wait until it is read, ask, and look at where the answer says it comes from. The demo and the
// end-to-end tests use it; it knows the public HTTP API and nothing else of the application.
package frontdoor
