package release

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// HistoryLimit is how many releases are kept, the running one included. Deployments keep 10 too
// (revisionHistoryLimit).
const HistoryLimit = 10

// AnnotationProven marks the ControllerRevision of a release with which the database has run well.
const AnnotationProven = "chatpdf.dev/proven"

// History reads the releases that owner controls, oldest first. The last one runs.
func History(revisions []appsv1.ControllerRevision, owner types.UID) ([]Release, error) {
	var history []Release
	for i := range revisions {
		revision := &revisions[i]
		if controller := metav1.GetControllerOf(revision); controller == nil || controller.UID != owner {
			continue
		}
		r := Release{Name: revision.Name, Revision: revision.Revision, Proven: revision.Annotations[AnnotationProven] != ""}
		if err := json.Unmarshal(revision.Data.Raw, &r.Content); err != nil {
			return nil, fmt.Errorf("reading the release in ControllerRevision %s: %w; if nothing else helps, delete it: "+
				"the release before it, or this operator's templates, are taken then", revision.Name, err)
		}
		history = append(history, r)
	}
	slices.SortFunc(history, func(a, b Release) int {
		return cmp.Or(cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Name, b.Name))
	})
	return history, nil
}

// Accepted is the content of the release that runs; empty before the first.
func Accepted(history []Release) Content {
	if len(history) == 0 {
		return Content{}
	}
	return history[len(history)-1].Content
}
