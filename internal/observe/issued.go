package observe

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/internal/stack"
)

// +kubebuilder:rbac:groups=cert-manager.io,resources=certificates,verbs=get

// issued reads the Certificate by which cert-manager was asked. Where the spec asks for none that is done only while there
// may be one that is left over: its API need not exist.
func (o Observer) issued(ctx context.Context, seen *Observed) error {
	d, names := seen.Deployment, stack.NamesOf(seen.Deployment.Name)
	wanted := d.Spec.MongoDB.TLS.IssuerRef != nil
	_, written := seen.Secrets[names.IssuedSecret]
	if !wanted && !written && seen.Trust.From != names.IssuedSecret {
		return nil
	}
	certificate := &unstructured.Unstructured{}
	certificate.SetGroupVersionKind(schema.GroupVersionKind{Group: stack.IssuedGroup, Version: stack.IssuedVersion, Kind: stack.IssuedKind})
	err := o.Live.Get(ctx, client.ObjectKey{Namespace: d.Namespace, Name: names.Issued}, certificate)
	switch {
	case meta.IsNoMatchError(err):
		seen.WithoutIssuers = true
	case apierrors.IsNotFound(err):
	case err != nil:
		return fmt.Errorf("reading Certificate %s/%s of cert-manager: %w", d.Namespace, names.Issued, err)
	default:
		seen.Issued = append(seen.Issued, *certificate)
	}
	if given := seen.Trust.Given; wanted && given != nil && given.Leaf == nil {
		seen.awaited(given)
	}
	return nil
}

// awaited says what the certificate waits for that cert-manager was asked for.
func (seen *Observed) awaited(given *stack.GivenCertificate) {
	if seen.WithoutIssuers {
		given.Obstacle = "The cluster has no Certificates of cert-manager.io/v1: install cert-manager, or take spec.mongodb.tls.issuerRef away."
		return
	}
	_, written := seen.Secrets[given.Secret]
	given.Awaited = !written
	if len(seen.Issued) == 0 || written {
		return
	}
	certificate := seen.Issued[0]
	given.AskedAt = certificate.GetCreationTimestamp().Time
	given.Obstacle = strings.TrimSpace(fmt.Sprintf("cert-manager has not written Secret %s yet. %s", given.Secret, readyMessage(certificate)))
}

// readyMessage is what cert-manager says of a Certificate that is not ready, in its own words; empty if it says nothing.
func readyMessage(certificate unstructured.Unstructured) string {
	conditions, _, _ := unstructured.NestedSlice(certificate.Object, "status", "conditions")
	at := slices.IndexFunc(conditions, func(c any) bool {
		condition, _ := c.(map[string]any)
		return condition["type"] == "Ready"
	})
	if at < 0 {
		return ""
	}
	message, _, _ := unstructured.NestedString(conditions[at].(map[string]any), "message")
	const longest = 300
	if len(message) > longest {
		message = strings.ToValidUTF8(message[:longest], "")
	}
	if message != "" {
		message = "It says: " + strings.TrimSuffix(message, ".") + "."
	}
	return message
}
