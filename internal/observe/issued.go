package observe

import (
	"cmp"
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

// +kubebuilder:rbac:groups=cert-manager.io,resources=certificates;certificaterequests,verbs=get

// issued reads the Certificate by which cert-manager was asked. Where the spec asks for none that is done only while there
// may be one that is left over: its API need not exist.
func (o Observer) issued(ctx context.Context, seen *Observed) error {
	d, names := seen.Deployment, stack.NamesOf(seen.Deployment.Name)
	wanted := d.Spec.MongoDB.TLS.IssuerRef != nil
	_, written := seen.Secrets[names.IssuedSecret]
	if !wanted && !written && seen.Trust.From != names.IssuedSecret {
		return nil
	}
	certificate := ofCertManager(stack.IssuedKind)
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
		o.awaited(ctx, seen, given)
	}
	return nil
}

func ofCertManager(kind string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(schema.GroupVersionKind{Group: stack.IssuedGroup, Version: stack.IssuedVersion, Kind: kind})
	return object
}

// awaited says what the certificate waits for that cert-manager was asked for.
func (o Observer) awaited(ctx context.Context, seen *Observed, given *stack.GivenCertificate) {
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
	// Of the Certificate cert-manager says that it is being issued; what hinders that stands in the request for the next
	// revision until it has failed (https://cert-manager.io/docs/troubleshooting/). It is read for its words alone: what
	// hinders that, such as a role of before, stops nothing else.
	revision, _, _ := unstructured.NestedInt64(certificate.Object, "status", "revision")
	request := ofCertManager("CertificateRequest")
	key := client.ObjectKey{Namespace: certificate.GetNamespace(), Name: fmt.Sprintf("%s-%d", certificate.GetName(), revision+1)}
	err := o.Live.Get(ctx, key, request)
	words := cmp.Or(notTrue(&certificate, "Issuing"), notTrue(request, "Ready"), notTrue(&certificate, "Ready"))
	if words != "" {
		words = " It says: " + strings.TrimSuffix(words, ".") + "."
	}
	if apierrors.IsForbidden(err) {
		words += fmt.Sprintf(" More stands in CertificateRequest %s, which the operator's role does not let it read: kubectl describe certificaterequest -n %s %[1]s.", key.Name, key.Namespace)
	}
	given.Obstacle = fmt.Sprintf("cert-manager has not written Secret %s yet.%s", given.Secret, words)
}

// notTrue is what cert-manager says of a condition that does not hold; empty if it says nothing.
func notTrue(object *unstructured.Unstructured, name string) string {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	at := slices.IndexFunc(conditions, func(c any) bool {
		condition, _ := c.(map[string]any)
		return condition["type"] == name && condition["status"] != "True"
	})
	if at < 0 {
		return ""
	}
	message, _, _ := unstructured.NestedString(conditions[at].(map[string]any), "message")
	const longest = 300
	if len(message) > longest {
		message = strings.ToValidUTF8(message[:longest], "")
	}
	return message
}
