package status

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"chatpdf.dev/operator/internal/observe"
)

// rotation answers after what time the schedule wants a password to be replaced, or a user that was replaced may
// go; 0 if there is none, or if it is due: then what it waits for wakes the operator.
func rotation(f Facts) time.Duration {
	var next time.Duration
	for _, login := range f.Observed.Logins {
		if at := login.SettlesAt(); len(f.Observed.Database.Retired) > 0 && at.After(f.Now) {
			next = sooner(next, at.Sub(f.Now))
		}
		if at := login.RotateAt(f.Observed.Deployment.Spec.MongoDB.PasswordRotation); login.Ours && at.After(f.Now) {
			next = sooner(next, at.Sub(f.Now))
		}
	}
	return next
}

// retiredUsers are those that are still to be removed.
func retiredUsers(seen *observe.Observed) []string {
	var names []string
	for _, user := range seen.Database.Retired {
		names = append(names, user.Username)
	}
	return names
}

// passwordsSince is the age of the oldest password that is replaced by rotation; nil before there is one.
func passwordsSince(seen *observe.Observed) *metav1.Time {
	var oldest *metav1.Time
	for _, login := range seen.Logins {
		if since := metav1.NewTime(login.Since); login.Ours && (oldest == nil || since.Before(oldest)) {
			oldest = &since
		}
	}
	return oldest
}
