package release_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"chatpdf.dev/operator/internal/release"
)

const owner = types.UID("owner")

// content is what one operator renders from one spec; the image stands for all that it brings along.
func content(appInputs, databaseInputs, image string) release.Content {
	return release.Content{
		ClusterDomain: "cluster.local",
		App:           release.App{Inputs: appInputs, Image: image},
		Database:      release.Database{Inputs: databaseInputs, Image: image, ImageByDefault: true},
	}
}

// decide runs a history of specs through Decide, recording what is to be recorded.
func decide(candidates ...release.Content) ([]release.Release, release.Decision) {
	var history []release.Release
	var d release.Decision
	for _, candidate := range candidates {
		d = release.Decide(history, release.Adopt(release.Accepted(history), candidate), "docs", owner)
		if d.Record {
			var kept []release.Release
			for _, r := range history {
				if r.Name != d.Current.Name {
					kept = append(kept, r)
				}
			}
			kept = append(kept, d.Current)
			history = kept
		}
		history = history[len(d.Forget):]
	}
	return history, d
}

func TestWhatRunsChangesOnlyWithTheSpec(t *testing.T) {
	for name, test := range map[string]struct {
		history       []release.Content
		app, database string // images
		revision      int64
	}{
		"the first":                        {[]release.Content{content("a", "d", "1")}, "1", "1", 1},
		"another operator":                 {[]release.Content{content("a", "d", "1"), content("a", "d", "2")}, "1", "1", 1},
		"another operator, application":    {[]release.Content{content("a", "d", "1"), content("b", "d", "2")}, "2", "1", 2},
		"another operator, database":       {[]release.Content{content("a", "d", "1"), content("a", "e", "2")}, "1", "2", 2},
		"there and back":                   {[]release.Content{content("a", "d", "1"), content("b", "d", "1"), content("a", "d", "1")}, "1", "1", 3},
		"there and back, another operator": {[]release.Content{content("a", "d", "1"), content("b", "d", "1"), content("a", "d", "2")}, "2", "1", 3},
	} {
		t.Run(name, func(t *testing.T) {
			_, d := decide(test.history...)
			if d.Current.Content.App.Image != test.app || d.Current.Content.Database.Image != test.database || d.Current.Revision != test.revision {
				t.Errorf("release %d runs %s and %s, want %+v", d.Current.Revision, d.Current.Content.App.Image, d.Current.Content.Database.Image, test)
			}
		})
	}
}

func TestMembersKeepTheirDomain(t *testing.T) {
	moved := content("b", "e", "2")
	moved.ClusterDomain = "example.org"
	if _, d := decide(content("a", "d", "1"), moved); d.Current.Content.ClusterDomain != "cluster.local" {
		t.Errorf("the domain became %s", d.Current.Content.ClusterDomain)
	}
}

func TestTheDatabaseImageFollowsTheSpecAndNothingElse(t *testing.T) {
	for name, test := range map[string]struct {
		accepted         release.Database
		spec, fall, want string
	}{
		"the first":             {release.Database{}, "", "mongo:6", "mongo:6"},
		"named":                 {release.Database{}, "mongo:7", "mongo:6", "mongo:7"},
		"accepted by default":   {release.Database{Image: "mongo:6", ImageByDefault: true}, "", "mongo:8", "mongo:6"},
		"named before, not now": {release.Database{Image: "mongo:7"}, "", "mongo:8", "mongo:8"},
	} {
		if got := test.accepted.ImageFor(test.spec, test.fall); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestTheHistoryIsBoundedAndNeverForgetsWhatRuns(t *testing.T) {
	var candidates []release.Content
	for i := range 3 * release.HistoryLimit {
		candidates = append(candidates, content(fmt.Sprint(i), "d", "1"))
	}
	history, d := decide(candidates...)
	if len(history) != release.HistoryLimit || history[len(history)-1].Name != d.Current.Name {
		t.Errorf("%d releases are kept, the last is %+v", len(history), history[len(history)-1])
	}
	if d.Current.Revision != int64(len(candidates)) {
		t.Errorf("revision %d after %d releases", d.Current.Revision, len(candidates))
	}
	// The oldest that is kept runs again: nothing else may be forgotten for it.
	again := release.Decide(history, history[0].Content, "docs", owner)
	if len(again.Forget) != 0 || again.Current.Name != history[0].Name || again.Current.Revision != d.Current.Revision+1 {
		t.Errorf("going back gives %+v", again)
	}
}

func revision(t *testing.T, name string, number int64, uid types.UID, data string) appsv1.ControllerRevision {
	t.Helper()
	return appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{Name: name, OwnerReferences: []metav1.OwnerReference{{UID: uid, Controller: new(true)}}},
		Revision:   number, Data: runtime.RawExtension{Raw: []byte(data)},
	}
}

func TestHistoryReadsItsOwnInOrder(t *testing.T) {
	data, err := json.Marshal(content("a", "d", "1"))
	if err != nil {
		t.Fatal(err)
	}
	history, err := release.History([]appsv1.ControllerRevision{
		revision(t, "c", 3, owner, string(data)), revision(t, "a", 1, owner, string(data)),
		revision(t, "x", 9, "somebody", "not ours, not read"), revision(t, "b", 2, owner, string(data)),
	}, owner)
	if err != nil || len(history) != 3 || history[0].Name != "a" || history[2].Name != "c" {
		t.Errorf("history is %+v (%v)", history, err)
	}
	if accepted := release.Accepted(history); accepted.App.Image != "1" {
		t.Errorf("accepted is %+v", accepted)
	}
	_, err = release.History([]appsv1.ControllerRevision{revision(t, "bad", 1, owner, `{"app": 5}`)}, owner)
	if err == nil || !strings.Contains(err.Error(), "ControllerRevision bad") {
		t.Errorf("an unreadable release gives %v", err)
	}
}

// prove records that a release of the history has run well.
func prove(history []release.Release, revision int64) {
	for i := range history {
		if history[i].Revision == revision {
			history[i].Proven = true
		}
	}
}

// withTemplate is a content whose database has a template of its own.
func withTemplate(inputs, image string) release.Content {
	c := content("a", inputs, image)
	c.Database.Template = corev1ac.PodTemplateSpec().WithSpec(corev1ac.PodSpec().WithContainers(corev1ac.Container().WithName("mongod").WithImage(image)))
	return c
}

func TestADatabaseThatDoesNotStartGoesBackToWhatHasProvedItself(t *testing.T) {
	anything := func(string) bool { return true }
	history, _ := decide(withTemplate("d", "good"))
	if _, back := release.GoBack(history, history[0].Content, "it crashed.", anything); back {
		t.Error("the first release went back, to nothing")
	}
	prove(history, 1)
	if _, back := release.GoBack(history, history[0].Content, "it crashed.", anything); back {
		t.Error("what has proved itself was blamed for a crash")
	}

	history, d := decide(withTemplate("d", "good"), withTemplate("e", "bad"), withTemplate("f", "worse"))
	prove(history, 1)
	content, back := release.GoBack(history, d.Current.Content, "it crashed.", anything)
	if !back || content.Database.Image != "good" || content.Database.GoneBack.Image != "worse" || content.Database.GoneBack.Because != "it crashed." {
		t.Fatalf("went back: %v, to %+v", back, content.Database)
	}
	if _, back := release.GoBack(history, d.Current.Content, "it crashed.", func(string) bool { return false }); back {
		t.Error("went back to an image that would not open the data")
	}

	gone := release.Decide(history, content, "docs", owner)
	history = append(history, gone.Current)
	same := release.Decide(history, release.Adopt(release.Accepted(history), withTemplate("f", "worse")), "docs", owner)
	if !gone.Record || same.Record || same.Current.Content.Database.Image != "good" {
		t.Errorf("the same spec gives %s again (%+v)", same.Current.Content.Database.Image, same)
	}
	next := release.Decide(history, release.Adopt(release.Accepted(history), withTemplate("g", "better")), "docs", owner)
	if next.Current.Content.Database.Image != "better" || next.Current.Content.Database.GoneBack != nil {
		t.Errorf("another spec gives %+v", next.Current.Content.Database)
	}
}

func TestTheNewestReleaseThatHasProvedItselfIsNotForgotten(t *testing.T) {
	var history []release.Release
	for revision := range int64(release.HistoryLimit + 5) {
		history = append(history, release.Release{Name: fmt.Sprint("r", revision+1), Revision: revision + 1, Proven: revision < 2, Content: content("a", fmt.Sprint(revision), "1")})
	}
	d := release.Decide(history, history[len(history)-1].Content, "docs", owner)
	for _, name := range d.Forget {
		if name == "r2" {
			t.Errorf("forgotten are %v, and r2 is all there is to go back to", d.Forget)
		}
	}
	if len(d.Forget) == 0 {
		t.Error("nothing is forgotten")
	}
}

func TestAReleaseProvesItselfOnce(t *testing.T) {
	history, d := decide(content("a", "d", "1"))
	proven := d.Prove()
	if !proven.Record || !proven.Current.Proven || proven.Current.Revision != d.Current.Revision {
		t.Errorf("it is not recorded: %+v", proven)
	}
	prove(history, 1)
	if again := release.Decide(history, history[0].Content, "docs", owner); again.Record || again.Prove().Record {
		t.Errorf("it is recorded again: %+v", again)
	}
	// There and back: the release of old has not forgotten.
	candidate := content("a", "e", "2")
	history = append(history, release.Decide(history, candidate, "docs", owner).Current)
	if back := release.Decide(history, content("a", "d", "1"), "docs", owner); !back.Current.Proven || back.Current.Revision != 3 {
		t.Errorf("back again it is %+v", back.Current)
	}
}
