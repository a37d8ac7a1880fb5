// Package version says what was built. The linker sets it.
package version

// Version is the release, such as 1.4.0; Commit the commit it was built from, empty if unknown.
var (
	Version = "dev"
	Commit  string
)
