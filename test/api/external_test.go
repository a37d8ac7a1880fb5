package api

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodtest"
	"chatpdf.dev/operator/internal/stack"
	"chatpdf.dev/operator/internal/status"
)

// TestADatabaseOfSomebodyElseIsUsedAndNoneIsMade gives the operator a real one, and then a password that it does not take.
func TestADatabaseOfSomebodyElseIsUsedAndNoneIsMade(t *testing.T) {
	t.Parallel()
	theirs := mongodtest.Start(t, mongodtest.Options{Auth: true, TLS: true})
	ca, err := os.ReadFile(theirs.CAFile)
	w := newWorld(t)
	w.must(t, err)
	bare := *theirs
	bare.CAFile = "" // it goes into the Secret
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "theirs"}, StringData: map[string]string{
		"uri": bare.URIFor(theirs.Username, theirs.Password, "papers") + "\n", "authorities": string(ca),
	}}
	spec := v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{External: &v1alpha1.ExternalDatabaseSpec{
		URISecretRef: v1alpha1.SecretKeyRef{Name: "theirs", Key: "uri"}, CASecretRef: &v1alpha1.SecretKeyRef{Name: "theirs", Key: "authorities"},
	}}}
	key := w.deployment(t, "docs", spec)
	o := startOperator(t, defaultConfig, nil)
	until := func(what string, condition func() bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for {
			o.pass(t, key)
			w.play(t, key)
			if condition() {
				return
			}
			retry := time.NewTimer(time.Second)
			select {
			case <-o.Watcher.Events():
			case <-retry.C:
			case <-ctx.Done():
				t.Fatalf("gave up waiting for %s: %+v", what, get[v1alpha1.ChatPDFDeployment](t, w, "docs").Status.Conditions)
			}
			retry.Stop()
		}
	}
	until("word of the missing Secret", func() bool {
		stalled := w.condition(t, key, v1alpha1.ConditionStalled)
		return stalled.Reason == status.ReasonSecretMissing && strings.Contains(stalled.Message, "spec.mongodb.external.uriSecretRef")
	})
	w.must(t, w.Create(t.Context(), secret))
	until("Ready", func() bool {
		return w.condition(t, key, v1alpha1.ConditionReady).Status == "True" && len(o.transport.taken()) == 0
	})
	for _, kind := range []string{v1alpha1.ConditionDatabaseAvailable, v1alpha1.ConditionDatabaseHealthy} {
		if c := w.condition(t, key, kind); c.Status != "True" || c.Reason == "" || !strings.Contains(c.Message, "theirs") {
			t.Errorf("condition %+v", c)
		}
	}
	for range 5 {
		o.pass(t, key)
	}
	if writes := o.transport.taken(); len(writes) > 0 {
		t.Errorf("five passes at steady state wrote %q", writes)
	}
	var made []string
	for name := range w.objects(t, key) {
		made = append(made, name)
	}
	if slices.ContainsFunc(made, func(name string) bool { return strings.Contains(name, "mongodb") }) {
		t.Errorf("made %q", made)
	}
	backend := get[appsv1.Deployment](t, w, "docs-backend").Spec.Template.Spec
	env := map[string]string{}
	for _, e := range backend.Containers[0].Env {
		env[e.Name] = e.Value
	}
	if !strings.HasSuffix(env["MONGODB_URI_FILE"], "/uri") || !strings.HasSuffix(env["MONGODB_CA_FILE"], "/authorities") {
		t.Errorf("the backend is told %v", env)
	}

	secret.Data["uri"] = []byte(bare.URIFor(theirs.Username, "another", "papers"))
	secret.StringData = nil
	w.must(t, w.Update(t.Context(), secret))
	until("word of the refused password", func() bool {
		stalled := w.condition(t, key, v1alpha1.ConditionStalled)
		return stalled.Reason == mongodb.ReasonCredentialsRefused && strings.Contains(stalled.Message, "theirs")
	})
	for _, c := range get[v1alpha1.ChatPDFDeployment](t, w, "docs").Status.Conditions {
		if strings.Contains(c.Message, "another") {
			t.Errorf("a password in %+v", c)
		}
	}
	w.remove(t, key)
	o.pass(t, key)
	if left := w.objects(t, key); len(left) != 1 || !exists[corev1.Secret](t, w, stack.NamesOf("docs").AdminSecret) {
		t.Errorf("left over: %v", left)
	}
}
