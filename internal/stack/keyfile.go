package stack

import (
	"fmt"

	"chatpdf.dev/operator/api/v1alpha1"
)

// Annotations of the keyfile's Secret.
const (
	// AnnotationKeyfile names the content that the operator gave it last.
	AnnotationKeyfile = "chatpdf.dev/keyfile"
	// AnnotationKeyfileBefore names the content before that.
	AnnotationKeyfileBefore = "chatpdf.dev/keyfile-before"
)

// LiveKeyfile is what may be known of the keyfile as it stands in its Secret.
type LiveKeyfile struct {
	// Keys are how many it holds; 0 if it cannot be read.
	Keys int
	// Fingerprint of the content.
	Fingerprint string
	// Written is the fingerprint of what the operator gave it last; empty if an earlier release did.
	Written string
	// Before is the fingerprint of what it held before that; empty if there was nothing.
	Before string
	// Request of the spec that was fulfilled last.
	Request string
	// Ours says that the operator made the Secret.
	Ours bool
}

// Edited says that somebody else has changed it: members that are restarted are not known by the others.
func (l LiveKeyfile) Edited() bool { return l.Ours && l.Written != "" && l.Written != l.Fingerprint }

// Outdates says that a member that was started with that keyfile has to be restarted: it has the content before, which
// has a key in common with the present one.
func (l LiveKeyfile) Outdates(startedWith string) bool {
	return l.Ours && l.Written == l.Fingerprint && startedWith != "" && startedWith == l.Before
}

// Strange says that a member was started with a keyfile that the Secret neither holds nor held just before: the Secret was
// put back from an old copy, or edited.
func (l LiveKeyfile) Strange(startedWith string) bool {
	return l.Ours && startedWith != "" && startedWith != l.Fingerprint && startedWith != l.Before
}

// KeyfileChange is one write of the keyfile's Secret: a second key beside the first, or the second in its place.
type KeyfileChange struct {
	Secret SecretRecipe
	// Add says that a key is added.
	Add bool
	// Request of the spec that this fulfils.
	Request string
}

// KeyfilePlan is how the keyfile goes on.
type KeyfilePlan struct {
	// Change to make now; nil if there is none.
	Change *KeyfileChange
	// Waits is what a change that is asked for or under way waits for, as a sentence; empty if there is none.
	Waits string
}

// Keyfile decides the next write by which another key takes the place of the present one. MongoDB reads it when it starts:
// every member is restarted with both keys, and then with the new one alone, so that any two of them share one.
// settled says that nothing else is to be done with the database.
func (o Objects) Keyfile(asked v1alpha1.KeyfileRotationSpec, live LiveKeyfile, members []MemberReport, settled bool) KeyfilePlan {
	change := KeyfileChange{Add: live.Keys == 1, Request: asked.Request}
	for _, recipe := range o.Secrets {
		if _, is := recipe.Recipe.(Keyfile); is {
			change.Secret = recipe
		}
	}
	wanted := asked.Request != "" && asked.Request != live.Request
	if !live.Ours || live.Edited() || live.Keys == 0 || live.Keys == 1 && !wanted {
		return KeyfilePlan{}
	}
	for _, member := range members {
		switch {
		case member.Mute:
			return KeyfilePlan{Waits: fmt.Sprintf("The agent of %s is of a release that cannot say which keyfile its member was started with; it is exchanged when nothing else is to be done with the members.", member.Host)}
		case !member.Known || member.Keyfile != live.Fingerprint:
			return KeyfilePlan{Waits: fmt.Sprintf("The keyfile goes on to change once %s has started with what it holds now.", member.Host)}
		}
	}
	if !settled {
		return KeyfilePlan{Waits: "The keyfile goes on to change when nothing else is to be done with the database."}
	}
	return KeyfilePlan{Change: &change}
}
