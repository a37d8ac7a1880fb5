package api

import (
	"bytes"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb/trust/trusttest"
	"chatpdf.dev/operator/internal/stack"
)

var issuedKind = schema.GroupVersionKind{Group: stack.IssuedGroup, Version: stack.IssuedVersion, Kind: stack.IssuedKind}

// installIssuers makes the API server know the kind by which cert-manager is asked. Its controller is a fake, played by
// certManager: the kind takes any content here, so what cert-manager itself would refuse is not found out.
func installIssuers(t *testing.T) {
	t.Helper()
	crd := &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "certificates." + stack.IssuedGroup},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: stack.IssuedGroup, Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "certificates", Singular: "certificate", Kind: stack.IssuedKind, ListKind: "CertificateList"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: stack.IssuedVersion, Served: true, Storage: true,
				Subresources: &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}},
				Schema:       &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: new(true)}},
			}},
		},
	}
	if _, err := envtest.InstallCRDs(cluster.config, envtest.CRDInstallOptions{CRDs: []*apiextensionsv1.CustomResourceDefinition{crd}}); err != nil {
		t.Fatal(err)
	}
}

// certManager issues what is asked for, as cert-manager would.
type certManager struct {
	*certified
	authority *trusttest.Authority
}

// asked is the Certificate; nil if there is none.
func (m certManager) asked(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	certificate := &unstructured.Unstructured{}
	certificate.SetGroupVersionKind(issuedKind)
	err := m.Get(t.Context(), client.ObjectKey{Namespace: m.namespace, Name: "docs-mongodb"}, certificate)
	if apierrors.IsNotFound(err) {
		return nil
	}
	m.must(t, err)
	return certificate
}

// says sets the condition Ready of the Certificate.
func (m certManager) says(t *testing.T, message string) {
	t.Helper()
	certificate := m.asked(t)
	m.must(t, unstructured.SetNestedSlice(certificate.Object, []any{map[string]any{"type": "Ready", "status": "False", "message": message}}, "status", "conditions"))
	m.must(t, m.kubelet.Client.Status().Update(t.Context(), certificate))
}

// issues writes the Secret that the Certificate names, with the names that it lists.
func (m certManager) issues(t *testing.T) []byte {
	t.Helper()
	var asked struct {
		Spec stack.IssuedCertificateSpec `json:"spec"`
	}
	m.must(t, runtime.DefaultUnstructuredConverter.FromUnstructured(m.asked(t).Object, &asked))
	pair, err := m.authority.Sign(time.Now().Add(-time.Hour), stack.CertificateLifetime, asked.Spec.DNSNames...)
	m.must(t, err)
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: m.namespace, Name: asked.Spec.SecretName}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{"tls.crt": pair.Certificate, "tls.key": pair.Key, "ca.crt": m.authority.PEM()},
	}
	if err := m.Create(t.Context(), secret); apierrors.IsAlreadyExists(err) {
		m.must(t, m.Update(t.Context(), secret))
	} else {
		m.must(t, err)
	}
	return pair.Certificate
}

func TestAnIssuerOfCertManagerIsAskedForTheCertificateAndThenNoMore(t *testing.T) {
	t.Parallel()
	c := newCertified(t, 1)
	theirs, err := trusttest.NewAuthority("issuer", time.Now().Add(-time.Hour), stack.AuthorityLifetime)
	c.must(t, err)
	m := certManager{c, theirs}
	condition := func() metav1.Condition { return c.condition(t, c.key, v1alpha1.ConditionDatabaseCertificateValid) }
	serves := func(certificate []byte) bool {
		return c.trusts(t, theirs.Certificate, c.operator) && bytes.Equal(c.secrets(t)["docs-mongodb-tls"]["tls.crt"], certificate)
	}

	c.asks(t, v1alpha1.DatabaseTLSSpec{IssuerRef: &v1alpha1.IssuerRef{Name: "company", Kind: "ClusterIssuer"}})
	c.reaches(t, "the missing cert-manager to be told", func() bool {
		return condition().Reason == "CertificateRefused" && strings.Contains(condition().Message, "install cert-manager")
	})
	installIssuers(t)
	c.reaches(t, "the certificate to be asked for", func() bool { return m.asked(t) != nil })
	issuer, _, _ := unstructured.NestedStringMap(m.asked(t).Object, "spec", "issuerRef")
	if issuer["name"] != "company" || issuer["kind"] != "ClusterIssuer" || issuer["group"] != "cert-manager.io" {
		t.Errorf("it was asked of %v", issuer)
	}
	m.says(t, "Referenced \"ClusterIssuer\" not found: company")
	c.reaches(t, "what cert-manager says to be told", func() bool {
		return strings.Contains(condition().Message, "not found: company") && condition().Status == "False"
	})
	first := m.issues(t)
	c.reaches(t, "the issued certificate to be served", func() bool { return serves(first) && condition().Reason == "CertificateValid" })
	c.rests(t)
	second := m.issues(t)
	c.reaches(t, "the one that was issued next to be served", func() bool { return serves(second) })

	c.asks(t, v1alpha1.DatabaseTLSSpec{IssuerRef: &v1alpha1.IssuerRef{Name: "other"}})
	c.reaches(t, "another issuer to be asked", func() bool {
		issuer, _, _ := unstructured.NestedStringMap(m.asked(t).Object, "spec", "issuerRef")
		return issuer["name"] == "other" && issuer["kind"] == "Issuer"
	})
	c.asks(t, v1alpha1.DatabaseTLSSpec{})
	c.reaches(t, "the operator's own again", func() bool {
		now := c.signer(t)
		return m.asked(t) == nil && !now.Equal(theirs.Certificate) && c.trusts(t, now, c.operator)
	})
	c.rests(t)
	m.leavesAlone(t)
}

// leavesAlone has another deployment ask in the place of somebody else's Certificate.
func (m certManager) leavesAlone(t *testing.T) {
	t.Helper()
	strange := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"secretName": "their-own"}}}
	strange.SetGroupVersionKind(issuedKind)
	strange.SetNamespace(m.namespace)
	strange.SetName("more-mongodb")
	m.must(t, m.Create(t.Context(), strange))
	key := m.deployment(t, "more", v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{
		Members: 1, TLS: v1alpha1.DatabaseTLSSpec{IssuerRef: &v1alpha1.IssuerRef{Name: "company"}},
	}})
	for range 3 {
		m.pass(t, key)
	}
	if stalled := m.condition(t, key, v1alpha1.ConditionStalled); !strings.Contains(stalled.Message, "Certificate more-mongodb") {
		t.Errorf("the conflict is not told: %+v", stalled)
	}
	now := strange.DeepCopy()
	m.must(t, m.Get(t.Context(), client.ObjectKeyFromObject(strange), now))
	if now.GetResourceVersion() != strange.GetResourceVersion() {
		t.Error("somebody else's Certificate was written")
	}
}
