package stack

import (
	"slices"
	"time"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
)

// Keys of a Secret with a database user while another one is about to take its place.
const (
	KeyNextUsername = "next-username"
	KeyNextPassword = "next-password"
)

// Annotations of a Secret whose password is replaced.
const (
	// AnnotationRotatedAt is when the password was made, in RFC 3339. Without it that is when the Secret was.
	AnnotationRotatedAt = "chatpdf.dev/rotated-at"
	// AnnotationReplacedUser is the user whose place the present one has taken; it is removed from the database.
	AnnotationReplacedUser = "chatpdf.dev/replaced-user"
	// AnnotationRotationRequest is the request of the spec that was fulfilled last.
	AnnotationRotationRequest = "chatpdf.dev/rotation-request"
)

// LiveLogin is what may be known of a database user in a Secret.
type LiveLogin struct {
	// Username that clients are told, and Next, which is to take its place; empty while none is.
	Username, Next string
	// Since is when the password was made.
	Since time.Time
	// Request of the spec that was fulfilled last.
	Request string
	// Ours says that the operator made the Secret: the password of another one is its owner's to replace.
	Ours bool
}

// Rotation is a change of a Secret by which a password is replaced. There are two: the next user is written
// beside the present one, and once the database knows it, it takes its place.
type Rotation struct {
	Secret SecretRecipe
	// Next is the user that is added; empty if it takes its place now.
	Next string
	// Took is the user that takes its place; empty if it is added.
	Took string
	// Request of the spec that this fulfils.
	Request string
}

// Rotations are the changes of Secrets that are to be made now, one for each at the most. The database must
// have said that it knows the user that is in use, and that none is left over from the last time.
func (o Objects) Rotations(asked v1alpha1.PasswordRotationSpec, live map[string]LiveLogin, database mongodb.Snapshot, now time.Time) []Rotation {
	var due []Rotation
	known := map[string]mongodb.UserState{
		mongodb.AppUsername: database.AppUser, mongodb.MetricsUsername: database.MetricsUser, mongodb.BackupUsername: database.BackupUser,
	}
	if database.Login == mongodb.LoginSucceeded {
		known[mongodb.AdminUsername] = mongodb.UserPresent
	}
	for _, recipe := range o.Secrets {
		login, exists := live[recipe.Name]
		first := recipe.rotates()
		if !exists || first == "" || !login.Ours || mongodb.Successor(login.Username) == "" || known[first] != mongodb.UserPresent {
			continue
		}
		next := mongodb.Successor(login.Username)
		switch {
		case login.Next != "" && database.NextUsers[login.Next] == mongodb.UserPresent:
			due = append(due, Rotation{Secret: recipe, Took: login.Next, Request: asked.Request})
		case login.Next == "" && login.due(asked, now) && !leftOver(database, next):
			due = append(due, Rotation{Secret: recipe, Next: next})
		}
	}
	return due
}

// rotates is the name of the user, or the first of the two that take turns, whose password in the Secret is replaced;
// empty if it holds none.
func (r SecretRecipe) rotates() string {
	username := ""
	switch login := r.Recipe.(type) {
	case DatabaseLogin:
		username = login.Username
	case Login:
		username = login.Username
	}
	if mongodb.Successor(username) == "" {
		return ""
	}
	return username
}

func leftOver(database mongodb.Snapshot, username string) bool {
	return slices.ContainsFunc(database.Retired, func(user mongodb.RetiredUser) bool { return user.Username == username })
}

// secretGrace is how long what a Secret held before stays good at the least. The kubelet gives a running pod a
// changed Secret within its sync period and its cache's lifetime, a minute each at most by default
// (https://kubernetes.io/docs/concepts/configuration/secret/#mounted-secrets-are-updated-automatically).
const secretGrace = 150 * time.Second

// SettlesAt is when every client may be supposed to have read that a user has taken the place of another.
func (l LiveLogin) SettlesAt() time.Time { return l.Since.Add(secretGrace) }

// due says that the spec asks for a rotation that was not begun yet.
func (l LiveLogin) due(asked v1alpha1.PasswordRotationSpec, now time.Time) bool {
	if asked.Request != "" && asked.Request != l.Request {
		return true
	}
	at := l.RotateAt(asked)
	return !at.IsZero() && !now.Before(at)
}

// RotateAt is when the schedule wants the password to be replaced; zero without a schedule.
func (l LiveLogin) RotateAt(asked v1alpha1.PasswordRotationSpec) time.Time {
	if asked.EveryDays == 0 {
		return time.Time{}
	}
	return l.Since.Add(time.Duration(asked.EveryDays) * 24 * time.Hour)
}
