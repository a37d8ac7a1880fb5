package stack

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
)

func TestAPasswordIsReplacedWhenItIsDueAndTheDatabaseIsReady(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const secret, first, second = "docs-mongodb-app", mongodb.AppUsername, mongodb.AppUsername + "-2"
	login := func(change func(*LiveLogin)) LiveLogin {
		l := LiveLogin{Username: first, Since: now.Add(-30 * 24 * time.Hour), Ours: true}
		change(&l)
		return l
	}
	fine := mongodb.Snapshot{AppUser: mongodb.UserPresent, MetricsUser: mongodb.UserPresent, BackupUser: mongodb.UserPresent}
	request := v1alpha1.PasswordRotationSpec{Request: "spring"}
	nothing := func(*LiveLogin) {}
	for _, test := range []struct {
		name     string
		asked    v1alpha1.PasswordRotationSpec
		live     LiveLogin
		database mongodb.Snapshot
		want     *Rotation
	}{
		{"nobody asks", v1alpha1.PasswordRotationSpec{}, login(nothing), fine, nil},
		{"a request", request, login(nothing), fine, &Rotation{Next: second}},
		{"the same request again", request, login(func(l *LiveLogin) { l.Request = "spring" }), fine, nil},
		{"another request", request, login(func(l *LiveLogin) { l.Request = "winter" }), fine, &Rotation{Next: second}},
		{"not old enough", v1alpha1.PasswordRotationSpec{EveryDays: 31}, login(nothing), fine, nil},
		{"old enough", v1alpha1.PasswordRotationSpec{EveryDays: 30}, login(nothing), fine, &Rotation{Next: second}},
		{"the second gives its place back to the first", request, login(func(l *LiveLogin) { l.Username = second }), fine, &Rotation{Next: first}},
		{"no primary to make a user", request, login(nothing), mongodb.Snapshot{}, nil},
		{"the present user does not work", request, login(nothing), mongodb.Snapshot{AppUser: mongodb.UserMissing}, nil},
		{"the one before is not gone yet", request, login(nothing), mongodb.Snapshot{
			AppUser: mongodb.UserPresent, Retired: []mongodb.RetiredUser{{Username: second, InUse: true}},
		}, nil},
		{"the next one is not made yet", request, login(func(l *LiveLogin) { l.Next = second }), mongodb.Snapshot{
			AppUser: mongodb.UserPresent, NextUsers: map[string]mongodb.UserState{second: mongodb.UserMissing},
		}, nil},
		{"the next one works", request, login(func(l *LiveLogin) { l.Next = second }), mongodb.Snapshot{
			AppUser: mongodb.UserPresent, NextUsers: map[string]mongodb.UserState{second: mongodb.UserPresent},
		}, &Rotation{Took: second, Request: "spring"}},
		{"begun, and the spec asks no more: it is finished", v1alpha1.PasswordRotationSpec{}, login(func(l *LiveLogin) { l.Next = second }), mongodb.Snapshot{
			AppUser: mongodb.UserPresent, NextUsers: map[string]mongodb.UserState{second: mongodb.UserPresent},
		}, &Rotation{Took: second}},
		{"a Secret of somebody else", request, login(func(l *LiveLogin) { l.Ours = false }), fine, nil},
		{"a user that a person named", request, login(func(l *LiveLogin) { l.Username = "ours" }), fine, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := Objects{Secrets: []SecretRecipe{
				{Name: "docs-admin", Recipe: Login{"admin"}},
				{Name: secret, Recipe: DatabaseLogin{Username: first}},
			}}
			live := map[string]LiveLogin{secret: test.live, "docs-admin": {Username: "admin", Ours: true}}
			got := o.Rotations(test.asked, live, test.database, now)
			if test.want == nil {
				if len(got) > 0 {
					t.Fatalf("rotates %+v", got)
				}
				return
			}
			if len(got) != 1 || got[0].Secret.Name != secret || got[0].Next != test.want.Next || got[0].Took != test.want.Took || got[0].Request != test.want.Request {
				t.Errorf("rotates %+v, want %+v", got, test.want)
			}
		})
	}
}

// requests are all that a spec can ask to be done once.
func requests() v1alpha1.ChatPDFDeploymentSpec {
	return v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{
		PasswordRotation: v1alpha1.PasswordRotationSpec{Request: "passwords"},
		KeyfileRotation:  v1alpha1.KeyfileRotationSpec{Request: "keyfile"},
		TLS:              v1alpha1.DatabaseTLSSpec{RenewRequest: "authority"},
	}}
}

func TestARequestThatStandsWhenTheSecretIsMadeIsFulfilled(t *testing.T) {
	for _, recipe := range secretRecipes(Input{Deployment: &v1alpha1.ChatPDFDeployment{Spec: requests()}}) {
		rotation, renewal := "", ""
		switch recipe.Recipe.(type) {
		case Keyfile:
			rotation = "keyfile"
		case Authority:
			renewal = "authority"
		}
		if recipe.rotates() != "" {
			rotation = "passwords"
		}
		if got := recipe.Annotations; got[AnnotationRotationRequest] != rotation || got[AnnotationRenewRequest] != renewal {
			t.Errorf("Secret %s has the annotations %v", recipe.Name, got)
		}
	}
}

func TestARequestIsNoReasonToMakePodsAnew(t *testing.T) {
	asked := requests()
	asked.MongoDB.TLS.CertificateSecretRef = &v1alpha1.SecretRef{Name: "theirs"}
	asked.MongoDB.FencedMembers = []int32{1}
	asked.MongoDB.ForcedReconfiguration = &v1alpha1.ForcedReconfigurationSpec{Request: "now"}
	if got := databaseInputs(asked); !equality.Semantic.DeepEqual(got, databaseInputs(v1alpha1.ChatPDFDeploymentSpec{})) {
		t.Errorf("the database's pods are shaped by %+v", got)
	}
	if got := appInputs(asked); !equality.Semantic.DeepEqual(got, appInputs(v1alpha1.ChatPDFDeploymentSpec{})) {
		t.Errorf("the application's pods are shaped by %+v", got)
	}
}
