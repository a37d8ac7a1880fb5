package status

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/stack"
)

// +kubebuilder:rbac:groups=chatpdf.dev,resources=chatpdfdeployments/status,verbs=patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// manager owns the status.
const manager = "chatpdf"

// Writer writes a status, and what follows from its transitions.
type Writer struct {
	Client   client.Client
	Recorder events.EventRecorder
	Metrics  *Metrics
}

// Write makes next the status of d, if that changes anything. d keeps the status that was read. A
// resource that is gone, or is another by now, needs no status.
func (w *Writer) Write(ctx context.Context, d *v1alpha1.ChatPDFDeployment, next v1alpha1.ChatPDFDeploymentStatus) error {
	w.Metrics.observe(d, next.Conditions)
	if equality.Semantic.DeepEqual(d.Status, next) {
		return nil
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&next)
	if err != nil {
		return fmt.Errorf("encoding the status of %s/%s: %w", d.Namespace, d.Name, err)
	}
	object := &unstructured.Unstructured{Object: map[string]any{"status": content}}
	object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(v1alpha1.Kind))
	object.SetNamespace(d.Namespace)
	object.SetName(d.Name)
	object.SetUID(d.UID)
	err = w.Client.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(object),
		client.FieldOwner(manager), client.ForceOwnership)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing the status of %s/%s: %w", d.Namespace, d.Name, err)
	}
	w.announce(d, next)
	return nil
}

// StepTaken tells of a step of the database: what the operator did by itself should be found afterwards.
func (w *Writer) StepTaken(d *v1alpha1.ChatPDFDeployment, step, message string) {
	w.Recorder.Eventf(d, nil, corev1.EventTypeNormal, step, "Database", "%s", message)
}

// Certified tells of a change of certificates.
func (w *Writer) Certified(d *v1alpha1.ChatPDFDeployment, change stack.CertificateChange) {
	switch secret := change.Secret.Name; change.Kind {
	case stack.ReplaceAuthority:
		w.Recorder.Eventf(d, nil, corev1.EventTypeNormal, "AuthorityReplaced", "Certify",
			"Secret %s has a new certificate authority. It signs once every member and every client trusts it.", secret)
	case stack.TrustAuthorities:
		w.Recorder.Eventf(d, nil, corev1.EventTypeNormal, "AuthoritiesTrusted", "Certify",
			"By Secret %s certificates of %d authorities are trusted from now on.", secret, len(change.Authorities))
	case stack.ReplaceCertificate:
		w.Recorder.Eventf(d, nil, corev1.EventTypeNormal, "CertificateRenewed", "Certify",
			"The certificate in Secret %s was replaced. Members take it up within two minutes, without a restart.", secret)
	}
}

// Rekeyed tells of a change of the members' keyfile.
func (w *Writer) Rekeyed(d *v1alpha1.ChatPDFDeployment, change stack.KeyfileChange) {
	if change.Add {
		w.Recorder.Eventf(d, nil, corev1.EventTypeNormal, "KeyfileRotationBegun", "Rekey",
			"Secret %s holds a second key beside the first. Members restart one by one to read both.", change.Secret.Name)
		return
	}
	w.Recorder.Eventf(d, nil, corev1.EventTypeNormal, "KeyfileRotated", "Rekey",
		"Secret %s holds the new key alone. Members restart one by one to forget the old one.", change.Secret.Name)
}

// Rotated tells of a step of replacing a password.
func (w *Writer) Rotated(d *v1alpha1.ChatPDFDeployment, rotation stack.Rotation) {
	if rotation.Next != "" {
		w.Recorder.Eventf(d, nil, corev1.EventTypeNormal, "PasswordRotationBegun", "Rotate",
			"Database user %s with a new password is to take the place of the one in Secret %s.", rotation.Next, rotation.Secret.Name)
		return
	}
	old := "Its old password is gone."
	if replaced := mongodb.Alternate(rotation.Took); replaced != "" {
		old = fmt.Sprintf("%s goes when no connection of it is open any more.", replaced)
	}
	w.Recorder.Eventf(d, nil, corev1.EventTypeNormal, "PasswordRotated", "Rotate",
		"Secret %s names database user %s with its new password from now on. %s", rotation.Secret.Name, rotation.Took, old)
}

// Growing tells of larger volumes that were asked for.
func (w *Writer) Growing(d *v1alpha1.ChatPDFDeployment, size string) {
	w.Recorder.Eventf(d, nil, corev1.EventTypeNormal, ReasonVolumeGrowing, "Grow", "Asking for %s for each volume of the database.", size)
}

// announce turns transitions into events.
func (w *Writer) announce(d *v1alpha1.ChatPDFDeployment, next v1alpha1.ChatPDFDeploymentStatus) {
	if next.Release.Name != d.Status.Release.Name {
		w.Recorder.Eventf(d, nil, corev1.EventTypeNormal, "ReleaseAccepted", "Release",
			"Release %s (revision %d) runs from now on.", next.Release.Name, next.Release.Revision)
	}
	for _, c := range next.Conditions {
		before := meta.FindStatusCondition(d.Status.Conditions, c.Type)
		if !transition(c, before) {
			continue
		}
		w.Recorder.Eventf(d, nil, severity(c), c.Reason, "Judge", "%s is %s: %s", c.Type, c.Status, c.Message)
	}
}

// transition says whether people want to hear of it: a condition that turns, or that gives another
// reason for something bad. What is still on its way is no news.
func transition(c metav1.Condition, before *metav1.Condition) bool {
	switch c.Type {
	case v1alpha1.ConditionReconciling:
		return c.Reason != ReasonProgressing && (before == nil || before.Reason != c.Reason)
	case v1alpha1.ConditionStalled, v1alpha1.ConditionSuspended:
		return before == nil || before.Reason != c.Reason
	case v1alpha1.ConditionReady:
		return c.Status == metav1.ConditionTrue && (before == nil || before.Status != c.Status)
	}
	if before == nil {
		return c.Status == metav1.ConditionTrue
	}
	return before.Status != c.Status
}

// severity of an event about c. Reconciling is announced only when something is in its way.
func severity(c metav1.Condition) string {
	switch {
	case c.Type == v1alpha1.ConditionStalled, c.Type == v1alpha1.ConditionReconciling, c.Status == metav1.ConditionFalse:
		return corev1.EventTypeWarning
	}
	return corev1.EventTypeNormal
}
