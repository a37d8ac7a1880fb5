package status

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"chatpdf.dev/operator/api/v1alpha1"
)

// LostSecrets is the trouble of generated Secrets that must not be made again.
func LostSecrets(names []string, namespace string) Trouble {
	return Trouble{Reason: ReasonSecretLost, NeedsPerson: true, Unwatched: true, Message: fmt.Sprintf(
		"Volumes of the database exist, but not the Secret %s that opens them. Restore it in namespace %s from a backup; "+
			"a new one would lock the data out. To start empty instead, delete the volume claims.", strings.Join(names, ", "), namespace)}
}

// Unreadable is the trouble of a record that the operator cannot do without.
func Unreadable(err error) Trouble {
	return Trouble{Reason: ReasonRecordUnreadable, NeedsPerson: true, Unwatched: true, Message: sentence(err)}
}

// ApplyFailed is what the API server refused.
func ApplyFailed(err error) Trouble {
	return Trouble{Reason: ReasonApplyFailed, Message: sentence(err) + " The operator tries again."}
}

// StepFailed is a step of the database that did not work; doing says what it was.
func StepFailed(doing string, err error) Trouble {
	return Trouble{Reason: ReasonStepFailed, Message: fmt.Sprintf("%s It did not work yet: %s.", doing, words(err.Error()))}
}

// Conflict is an object that belongs to somebody else. One of an earlier deployment of the same name
// is about to be removed by the garbage collector; another one stays until a person decides.
func Conflict(d *v1alpha1.ChatPDFDeployment, kind, name string, owner metav1.OwnerReference) Trouble {
	if owner.Kind == v1alpha1.Kind && owner.Name == d.Name {
		return Trouble{Reason: ReasonObjectConflict, Unwatched: true, Message: fmt.Sprintf(
			"%s %s of the deleted ChatPDFDeployment of the same name is still being removed.", kind, name)}
	}
	if owner.Kind == "" {
		return Trouble{Reason: ReasonObjectConflict, NeedsPerson: true, Unwatched: true, Message: fmt.Sprintf(
			"%s %s exists already, and was not made by the operator. Remove it, or give the ChatPDFDeployment another name.", kind, name)}
	}
	return Trouble{Reason: ReasonObjectConflict, NeedsPerson: true, Unwatched: true, Message: fmt.Sprintf(
		"%s %s belongs to %s %s. Remove it, or give the ChatPDFDeployment another name.", kind, name, owner.Kind, owner.Name)}
}

func sentence(err error) string {
	text := words(err.Error())
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
