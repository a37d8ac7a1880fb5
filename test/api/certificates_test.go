package api

import (
	"bytes"
	"maps"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/stack"
)

func TestACertificateIsRenewedInPlaceAndNothingElseIs(t *testing.T) {
	w, o, key := played(t)
	o.calm(t, key)
	before, templates := w.secrets(t), w.templates(t)

	result := o.pass(t, key)
	if half := stack.CertificateLifetime / 2; result.RequeueAfter <= 0 || result.RequeueAfter > half {
		t.Errorf("it looks again after %s, which is later than the renewal", result.RequeueAfter)
	}
	o.clock.SetTime(time.Now().Add(stack.CertificateLifetime / 2))
	o.settle(t, key)
	after := w.secrets(t)
	const renewed = "docs-mongodb-tls"
	for name := range before {
		if name != renewed && !equality.Semantic.DeepEqual(before[name], after[name]) {
			t.Errorf("Secret %s changed", name)
		}
	}
	old, fresh := before[renewed], after[renewed]
	if bytes.Equal(old[stack.KeyCertificate], fresh[stack.KeyCertificate]) || bytes.Equal(old[stack.KeyPrivateKey], fresh[stack.KeyPrivateKey]) {
		t.Error("the certificate or its key is the old one")
	}
	if !bytes.Equal(old[stack.KeyCACertificate], fresh[stack.KeyCACertificate]) || !slices.Equal(slices.Sorted(maps.Keys(old)), slices.Sorted(maps.Keys(fresh))) {
		t.Error("its authority changed, or a key came or went")
	}
	if !equality.Semantic.DeepEqual(templates, w.templates(t)) {
		t.Error("a template changed: pods would be restarted")
	}
	o.transport.taken()
	o.pass(t, key)
	if writes := o.transport.taken(); len(writes) > 0 {
		t.Errorf("after the renewal it writes %q", writes)
	}

	// A certificate that somebody put there is theirs to renew.
	theirs := get[corev1.Secret](t, w, renewed)
	delete(theirs.Labels, stack.LabelManagedBy)
	w.must(t, w.Update(t.Context(), theirs))
	o.clock.SetTime(time.Now().Add(2 * stack.CertificateLifetime))
	o.settle(t, key)
	if c := w.condition(t, key, v1alpha1.ConditionDatabaseCertificateValid); c.Status != "False" || c.Reason != "CertificateExpired" {
		t.Errorf("the condition is %+v", c)
	}
	if got := w.secrets(t)[renewed]; !equality.Semantic.DeepEqual(got, fresh) {
		t.Error("a certificate that is somebody else's was replaced")
	}
}
