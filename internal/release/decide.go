package release

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// Decision is which release runs and what that means for the history.
type Decision struct {
	// Current is the release to run.
	Current Release
	// Record says that Current is not the newest in the history: write it with its revision.
	Record bool
	// Forget names the ControllerRevisions beyond the limit, oldest first.
	Forget []string
}

// Decide compares the release that runs with the one this operator would render from the spec.
// owner is the deployment whose releases these are; its identity is part of a release's name, so
// that a deployment that is created again never meets the releases of the one before.
func Decide(history []Release, candidate Content, name string, owner types.UID) Decision {
	content := Adopt(Accepted(history), candidate)
	current := Release{
		Name:     fmt.Sprintf("%s-%s", name, Digest(struct{ UID, Content any }{owner, content})),
		Revision: 1,
		Content:  content,
	}
	if len(history) == 0 {
		return Decision{Current: current, Record: true}
	}
	newest := history[len(history)-1]
	if newest.Name == current.Name {
		return Decision{Current: newest, Forget: beyondLimit(history)}
	}
	current.Revision = newest.Revision + 1
	kept := slices.DeleteFunc(slices.Clone(history), func(r Release) bool { return r.Name == current.Name })
	return Decision{Current: current, Record: true, Forget: beyondLimit(append(kept, current))}
}

// Adopt is what runs next: of each half of the candidate, what the spec asked for anew; the rest as
// it was accepted.
func Adopt(accepted, candidate Content) Content {
	next := candidate
	if accepted.ClusterDomain != "" {
		next.ClusterDomain = accepted.ClusterDomain
	}
	if accepted.App.Inputs == candidate.App.Inputs {
		next.App = accepted.App
	}
	if accepted.Database.Inputs == candidate.Database.Inputs {
		next.Database = accepted.Database
	}
	return next
}

func beyondLimit(history []Release) []string {
	var names []string
	for _, r := range history[:max(0, len(history)-HistoryLimit)] {
		names = append(names, r.Name)
	}
	return names
}
