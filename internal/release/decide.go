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
	// Record says that Current, or that it has proved itself, is not in the history: write it.
	Record bool
	// Forget names the ControllerRevisions beyond the limit, oldest first.
	Forget []string
}

// Decide compares the release that runs with what should run: see [Adopt] and [GoBack]. owner is the
// deployment whose releases these are; its identity is part of a release's name, so that a deployment
// that is created again never meets the releases of the one before.
func Decide(history []Release, content Content, name string, owner types.UID) Decision {
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
	current.Proven = slices.ContainsFunc(history, func(r Release) bool { return r.Name == current.Name && r.Proven })
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

// Prove records that the database runs well with the current release, once.
func (d Decision) Prove() Decision {
	d.Record = d.Record || !d.Current.Proven
	d.Current.Proven = true
	return d
}

// GoBack is content with the database's half of the newest release that has proved itself and that the
// data can be opened with; false if there is none, or if what runs has proved itself: then it is not the
// template that is to blame. The spec goes on asking for what failed and is not asked again until it
// changes.
func GoBack(history []Release, content Content, because string, opens func(image string) bool) (Content, bool) {
	failed := Digest(content.Database.Template)
	var proven *Database
	for i := range history {
		r := &history[i]
		if !r.Proven {
			continue
		}
		if Digest(r.Content.Database.Template) == failed {
			return content, false
		}
		if opens(r.Content.Database.Image) {
			proven = &r.Content.Database
		}
	}
	if proven == nil {
		return content, false
	}
	back := *proven
	back.Inputs = content.Database.Inputs
	back.ImageByDefault = content.Database.ImageByDefault
	back.GoneBack = &GoneBack{Image: content.Database.Image, Because: because}
	content.Database = back
	return content, true
}

// beyondLimit are the oldest releases, but for the newest that has proved itself: there may be need of it.
func beyondLimit(history []Release) []string {
	proven := ""
	for _, r := range history {
		if r.Proven {
			proven = r.Name
		}
	}
	var names []string
	for _, r := range history[:max(0, len(history)-HistoryLimit)] {
		if r.Name != proven {
			names = append(names, r.Name)
		}
	}
	return names
}
