package observe

import (
	"context"
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/internal/stack"
)

// requests answers for the API server, which cannot be told to refuse one kind for one reader alone.
type requests struct {
	client.Reader
	name       string
	conditions []any
	err        error
}

func (r requests) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	if r.err != nil {
		return r.err
	}
	if key.Name != r.name {
		return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
	}
	return unstructured.SetNestedSlice(object.(*unstructured.Unstructured).Object, r.conditions, "status", "conditions")
}

func TestWhatHindersCertManagerIsToldInTheWordsThatSayMost(t *testing.T) {
	said := func(kind, status, message string) map[string]any {
		return map[string]any{"type": kind, "status": status, "message": message}
	}
	issuing := []any{said("Issuing", "True", "Issuing certificate"), said("Ready", "False", "Secret does not exist")}
	pending := []any{said("Ready", "False", "Referenced issuer not found")}
	for _, c := range []struct {
		name        string
		revision    int64
		certificate []any
		requests    requests
		want        string
	}{
		{"nothing is said yet", 0, nil, requests{}, ""},
		{"no request yet", 0, issuing, requests{}, " It says: Secret does not exist."},
		{"a request that waits", 0, issuing, requests{name: "docs-mongodb-1", conditions: pending}, " It says: Referenced issuer not found."},
		{"a request after others", 4, issuing, requests{name: "docs-mongodb-5", conditions: pending}, " It says: Referenced issuer not found."},
		{"one of before", 4, issuing, requests{name: "docs-mongodb-4", conditions: pending}, " It says: Secret does not exist."},
		{"a request that has failed", 0, []any{said("Issuing", "False", "It was denied."), issuing[1]}, requests{name: "docs-mongodb-1", conditions: pending}, " It says: It was denied."},
		{"a role that may not read requests", 0, issuing, requests{err: apierrors.NewForbidden(schema.GroupResource{}, "docs-mongodb-1", nil)},
			" It says: Secret does not exist. More stands in CertificateRequest docs-mongodb-1, which the operator's role does not let it read: kubectl describe certificaterequest -n chatpdf docs-mongodb-1."},
		{"an API server that does not answer", 0, issuing, requests{err: errors.New("timeout")}, " It says: Secret does not exist."},
		{"more than fits", 0, []any{said("Ready", "False", strings.Repeat("ä", 200))}, requests{}, " It says: " + strings.Repeat("ä", 150) + "."},
	} {
		t.Run(c.name, func(t *testing.T) {
			certificate := ofCertManager(stack.IssuedKind)
			certificate.SetNamespace("chatpdf")
			certificate.SetName("docs-mongodb")
			err := errors.Join(unstructured.SetNestedField(certificate.Object, c.revision, "status", "revision"),
				unstructured.SetNestedSlice(certificate.Object, c.certificate, "status", "conditions"))
			if err != nil {
				t.Fatal(err)
			}
			seen, given := &Observed{Issued: []unstructured.Unstructured{*certificate}}, &stack.GivenCertificate{Secret: "docs-mongodb-issued"}
			Observer{Live: c.requests}.awaited(t.Context(), seen, given)
			if want := "cert-manager has not written Secret docs-mongodb-issued yet." + c.want; given.Obstacle != want || !given.Awaited {
				t.Errorf("it tells %q, want %q", given.Obstacle, want)
			}
		})
	}
}
