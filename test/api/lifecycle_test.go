package api

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/stack"
	"chatpdf.dev/operator/internal/status"
)

func TestADeletedDeploymentLeavesItsVolumesAndCredentialsAndNothingElse(t *testing.T) {
	w, o, key := played(t)
	w.remove(t, key)
	o.pass(t, key)
	var left []string
	for name := range w.objects(t, key) {
		left = append(left, name)
	}
	slices.Sort(left)
	want := []string{
		"PersistentVolumeClaim data-docs-mongodb-0", "PersistentVolumeClaim docs-backup", "Secret docs-admin", "Secret docs-mongodb-admin", "Secret docs-mongodb-agent",
		"Secret docs-mongodb-app", "Secret docs-mongodb-backup", "Secret docs-mongodb-ca", "Secret docs-mongodb-keyfile", "Secret docs-mongodb-metrics",
		"Secret docs-mongodb-tls",
	}
	if !slices.Equal(left, want) {
		t.Errorf("left over: %q, want %q", left, want)
	}
}

func TestADeploymentThatIsMadeAgainKeepsItsPasswords(t *testing.T) {
	w := newWorld(t)
	o := startOperator(t, defaultConfig, nil)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Members: 3}})
	o.settle(t, key)
	w.play(t, key)
	o.settle(t, key)
	before := w.secrets(t)
	w.remove(t, key)
	o.pass(t, key)

	key = w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Members: 1}})
	o = startOperator(t, defaultConfig, nil)
	o.settle(t, key)
	if !equality.Semantic.DeepEqual(before, w.secrets(t)) {
		t.Error("a Secret changed")
	}
	// Only members that run can say what their volumes hold, so all three come back first.
	w.play(t, key)
	get[corev1.Pod](t, w, "docs-mongodb-2")
}

func TestAResourceInDeletionIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	o := startOperator(t, defaultConfig, nil)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	o.settle(t, key)
	d := get[v1alpha1.ChatPDFDeployment](t, w, "docs")
	d.Finalizers = []string{metav1.FinalizerDeleteDependents}
	w.must(t, w.Update(t.Context(), d))
	w.must(t, w.Delete(t.Context(), d))
	w.must(t, w.Delete(t.Context(), get[corev1.Service](t, w, "docs-backend")))
	o.transport.taken()
	o.pass(t, key)
	if writes := o.transport.taken(); len(writes) > 0 {
		t.Errorf("wrote %q while the garbage collector waits for it to end", writes)
	}
}

func TestALostPasswordIsNeverReplacedWhileVolumesExist(t *testing.T) {
	w, o, key := played(t)
	lost := get[corev1.Secret](t, w, "docs-mongodb-admin")
	w.must(t, w.Delete(t.Context(), lost))
	o.settle(t, key)
	if exists[corev1.Secret](t, w, "docs-mongodb-admin") {
		t.Fatal("a new password locks the data out")
	}
	stalled := w.condition(t, key, v1alpha1.ConditionStalled)
	if stalled.Reason != status.ReasonSecretLost || !strings.Contains(stalled.Message, "docs-mongodb-admin") {
		t.Errorf("Stalled is %+v", stalled)
	}
	lost.ResourceVersion, lost.UID = "", ""
	w.must(t, w.Create(t.Context(), lost))
	o.settle(t, key)
	if c := w.condition(t, key, v1alpha1.ConditionStalled); c.Status != "" {
		t.Errorf("still Stalled: %+v", c)
	}
	// The members' certificate opens no data: it can be made again.
	w.must(t, w.Delete(t.Context(), get[corev1.Secret](t, w, "docs-mongodb-tls")))
	o.settle(t, key)
	get[corev1.Secret](t, w, "docs-mongodb-tls")
}

func TestVolumesThatWereThereBeforeAreNeverGivenNewPasswords(t *testing.T) {
	w := newWorld(t)
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "data-docs-mongodb-0"}}
	claim.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: *quantity("10Gi")}
	w.must(t, w.Create(t.Context(), claim)) // as a restore from a backup may leave it: without labels
	o := startOperator(t, defaultConfig, nil)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	o.settle(t, key)
	if made := w.secrets(t); len(made) > 0 {
		t.Errorf("made %d Secrets that open nothing", len(made))
	}
	if c := w.condition(t, key, v1alpha1.ConditionStalled); c.Reason != status.ReasonSecretLost || !strings.Contains(c.Message, "delete the volume claims") {
		t.Errorf("Stalled is %+v", c)
	}
	w.must(t, w.Delete(t.Context(), get[appsv1.StatefulSet](t, w, "docs-mongodb")))
	w.must(t, w.unprotect(t, claim))
	o.settle(t, key)
	if c := w.condition(t, key, v1alpha1.ConditionStalled); c.Status != "" {
		t.Errorf("without the claim still Stalled: %+v", c)
	}
	get[corev1.Secret](t, w, "docs-mongodb-admin")
}

// unprotect deletes a claim and takes off the finalizer that its controller would.
func (w *world) unprotect(t *testing.T, claim *corev1.PersistentVolumeClaim) error {
	t.Helper()
	w.must(t, w.Delete(t.Context(), claim))
	live := get[corev1.PersistentVolumeClaim](t, w, claim.Name)
	live.Finalizers = nil
	return w.Update(t.Context(), live)
}

func TestAnObjectOfSomebodyElseIsNotTouched(t *testing.T) {
	w := newWorld(t)
	owner := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "owner"}}
	w.must(t, w.Create(t.Context(), owner))
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{
		Namespace: w.namespace, Name: "docs-backend", Labels: stack.Labels("docs", stack.ComponentBackend),
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "owner", UID: owner.UID, Controller: new(true)}},
	}}
	w.must(t, w.Create(t.Context(), account))
	o := startOperator(t, defaultConfig, nil)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	o.settle(t, key)
	if now := get[corev1.ServiceAccount](t, w, "docs-backend"); now.ResourceVersion != account.ResourceVersion {
		t.Error("it was changed")
	}
	stalled := w.condition(t, key, v1alpha1.ConditionStalled)
	if stalled.Reason != status.ReasonObjectConflict || !strings.Contains(stalled.Message, "ServiceAccount docs-backend belongs to ConfigMap owner") {
		t.Errorf("Stalled is %+v", stalled)
	}
	get[corev1.Service](t, w, "docs-backend") // the rest is there
}

func TestAnObjectThatSomebodyMadeByHandIsNotTakenOver(t *testing.T) {
	w := newWorld(t)
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "docs-backend"},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "theirs"}, Ports: []corev1.ServicePort{{Port: 80}}},
	}
	w.must(t, w.Create(t.Context(), service))
	o := startOperator(t, defaultConfig, nil)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	o.settle(t, key)
	if now := get[corev1.Service](t, w, "docs-backend"); now.ResourceVersion != service.ResourceVersion {
		t.Errorf("it was changed: %+v", now.Spec)
	}
	stalled := w.condition(t, key, v1alpha1.ConditionStalled)
	if stalled.Reason != status.ReasonObjectConflict || !strings.Contains(stalled.Message, "Service docs-backend exists already") {
		t.Errorf("Stalled is %+v", stalled)
	}
	w.must(t, w.Delete(t.Context(), service))
	o.settle(t, key)
	get[corev1.Service](t, w, "docs-backend")

	// Nor is a Deployment of theirs scaled.
	w.remove(t, key)
	theirs := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "docs-frontend"},
		Spec: appsv1.DeploymentSpec{Replicas: new(int32(5)), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "theirs"}},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "theirs"}},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}}}},
	}
	w.must(t, w.Create(t.Context(), theirs))
	w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	o.settle(t, key)
	if now := get[appsv1.Deployment](t, w, "docs-frontend"); now.ResourceVersion != theirs.ResourceVersion {
		t.Errorf("their Deployment was changed: %d replicas", *now.Spec.Replicas)
	}
	w.must(t, w.Delete(t.Context(), theirs))
	o.settle(t, key)
	// An object of ours that lost its labels is still ours, by its owner.
	stripped := get[corev1.Service](t, w, "docs-backend")
	stripped.Labels = nil
	w.must(t, w.Update(t.Context(), stripped))
	o.settle(t, key)
	if labels := get[corev1.Service](t, w, "docs-backend").Labels; labels[stack.LabelManagedBy] != stack.ManagedBy {
		t.Errorf("labels that were taken off do not come back: %v", labels)
	}
}

func TestAMissingModelKeyIsNamedAtOnceAndTakenUpWhenItComes(t *testing.T) {
	w := newWorld(t)
	o := startOperator(t, defaultConfig, nil)
	spec := v1alpha1.ChatPDFDeploymentSpec{LLM: v1alpha1.LLMSpec{APIKeySecretRef: &v1alpha1.SecretKeyRef{Name: "openai", Key: "api-key"}}}
	key := w.deployment(t, "docs", spec)
	result := o.pass(t, key)
	if result.RequeueAfter == 0 {
		t.Error("nobody would look for the Secret again: Secrets are not watched")
	}
	stalled := func() metav1.Condition { return w.condition(t, key, v1alpha1.ConditionStalled) }
	if c := stalled(); c.Reason != status.ReasonSecretMissing || !strings.Contains(c.Message, "Secret openai does not exist") || !strings.Contains(c.Message, "api-key") {
		t.Errorf("without the Secret Stalled is %+v", c)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "openai"}, Data: map[string][]byte{"other": []byte("x")}}
	w.must(t, w.Create(t.Context(), secret))
	o.settle(t, key)
	if c := stalled(); c.Reason != status.ReasonSecretKeyMissing || !strings.Contains(c.Message, "has no key api-key") {
		t.Errorf("without the key Stalled is %+v", c)
	}
	secret.Data["api-key"] = nil
	w.must(t, w.Update(t.Context(), secret))
	o.settle(t, key)
	if c := stalled(); c.Reason != status.ReasonSecretKeyMissing || !strings.Contains(c.Message, "is empty") {
		t.Errorf("with an empty key Stalled is %+v", c)
	}
	const value = "sk-very-secret"
	secret.Data["api-key"] = []byte(value)
	w.must(t, w.Update(t.Context(), secret))
	o.settle(t, key)
	if c := stalled(); c.Status != "" {
		t.Errorf("with the key Stalled is %+v", c)
	}
	for name, portrait := range w.objects(t, key) {
		if strings.Contains(portrait, value) {
			t.Errorf("%s holds the key itself", name)
		}
	}
}

func TestOneUnreadableReleaseStopsItsDeploymentAlone(t *testing.T) {
	w := newWorld(t)
	o := startOperator(t, defaultConfig, nil)
	bad := w.deployment(t, "bad", v1alpha1.ChatPDFDeploymentSpec{})
	good := w.deployment(t, "good", v1alpha1.ChatPDFDeploymentSpec{})
	o.settle(t, bad)
	revision := get[v1alpha1.ChatPDFDeployment](t, w, "bad").Status.Release.Name
	w.breakRevision(t, revision)
	for _, key := range []ctrl.Request{{NamespacedName: bad}, {NamespacedName: good}} {
		if _, err := o.Reconcile(t.Context(), key); err != nil {
			t.Error(err)
		}
	}
	if c := w.condition(t, bad, v1alpha1.ConditionStalled); c.Reason != status.ReasonRecordUnreadable || !strings.Contains(c.Message, revision) {
		t.Errorf("Stalled is %+v", c)
	}
	o.settle(t, good)
	get[corev1.Service](t, w, "good-backend")
}
