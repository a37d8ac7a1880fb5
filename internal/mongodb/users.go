package mongodb

import (
	"slices"
	"strings"
)

// Users that the operator makes in the database admin, besides its own. Passwords are replaced by a second
// user that takes the place of the first, and next time the other way round: nobody is ever locked out
// between the moment in which the server learns a password and the one in which a client does.
const (
	// AppUsername is the application's.
	AppUsername = "chatpdf-app"
	// MetricsUsername is the one that the agents ask for metrics with.
	MetricsUsername = "chatpdf-metrics"
	// BackupUsername is the one that backups are read with.
	BackupUsername = "chatpdf-backup"

	secondUser = "-2"
)

// Rotating are all names that the operator gives to users with passwords that are replaced.
func Rotating() []string {
	return []string{
		AppUsername, AppUsername + secondUser, MetricsUsername, MetricsUsername + secondUser, BackupUsername, BackupUsername + secondUser,
	}
}

// Alternate is the name of the user that takes the place of another one; empty for users that the operator
// did not name.
func Alternate(username string) string {
	switch first, isSecond := strings.CutSuffix(username, secondUser); {
	case !slices.Contains(Rotating(), username):
		return ""
	case isSecond:
		return first
	}
	return username + secondUser
}

// Successor is the user that takes the place of another one when its password is replaced: [Alternate], or for the
// operator's own user itself; empty for users that the operator did not name.
func Successor(username string) string {
	if username == AdminUsername {
		return AdminUsername
	}
	return Alternate(username)
}

// RetiredUser is a user that another one has taken the place of.
type RetiredUser struct {
	Username string
	// InUse says that a connection of that user is open on some member, or that one could not be asked.
	InUse bool
}

// nextUserMissing says that the user that is to take the place of that one has yet to be made.
func (v view) nextUserMissing(first string) bool {
	return v.Database.NextUsers[first] == UserMissing || v.Database.NextUsers[Alternate(first)] == UserMissing
}

// retiredUsers go when nobody uses them any more. That no connection is open says little in the first minutes:
// mongod may just have been restarted.
func retiredUsers(v view) *Decision {
	if v.ReplacedUsersStay {
		return nil
	}
	for _, user := range v.Database.Retired {
		if !user.InUse {
			return take(Step{Kind: DropUser, Username: user.Username, ReplicaSetID: v.identity.ReplicaSetID},
				"Removing database user %s: another one has taken its place, and no connection of it is open.", user.Username)
		}
	}
	return nil
}
