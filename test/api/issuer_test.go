package api

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/apply"
	"chatpdf.dev/operator/internal/mongodb/trust/trusttest"
	"chatpdf.dev/operator/internal/stack"
)

var issuedKind = schema.GroupVersionKind{Group: stack.IssuedGroup, Version: stack.IssuedVersion, Kind: stack.IssuedKind}

// certManager is the real one, and what people do to have it issue.
type certManager struct{ *certified }

// startCertManager makes the API server know cert-manager's kinds and runs the controllers of those that issue by a CA.
func startCertManager(t *testing.T) {
	t.Helper()
	program := os.Getenv("CERT_MANAGER_BIN")
	if program == "" {
		t.Fatal("CERT_MANAGER_BIN is not set: set it to what `hack/tools/tool.sh certmanager` prints")
	}
	if _, err := envtest.InstallCRDs(cluster.config, envtest.CRDInstallOptions{Paths: []string{filepath.Join(filepath.Dir(program), "crds")}}); err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, cluster.kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "-kubeconfig", kubeconfig, "-cluster-resource-namespace", "default")
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var log bytes.Buffer
	command.Stdout, command.Stderr = &log, &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		command.Wait() //nolint:errcheck // it ends by being killed
		close(ended)
	}()
	t.Cleanup(func() {
		select {
		case <-ended:
			t.Error("cert-manager ended by itself")
		default:
			command.Process.Kill() //nolint:errcheck // it may have ended just now
			<-ended
		}
		if t.Failed() {
			t.Logf("cert-manager's log:\n%s", log.String())
		}
	})
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

// issuer makes an Issuer, or a ClusterIssuer, that signs by an authority.
func (m certManager) issuer(t *testing.T, kind, name string, authority *trusttest.Authority) {
	t.Helper()
	namespace := m.namespace
	if kind == "ClusterIssuer" {
		namespace = "default"
	}
	key, err := authority.Key()
	m.must(t, err)
	m.must(t, m.Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{"tls.crt": authority.PEM(), "tls.key": key},
	}))
	issuer := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"ca": map[string]any{"secretName": name}}}}
	issuer.SetGroupVersionKind(issuedKind.GroupVersion().WithKind(kind))
	issuer.SetName(name)
	if kind == "Issuer" {
		issuer.SetNamespace(namespace)
	}
	m.must(t, m.Create(t.Context(), issuer))
}

// renews has a certificate issued again, as `cmctl renew` does.
func (m certManager) renews(t *testing.T) {
	t.Helper()
	m.must(t, retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		certificate := m.asked(t)
		conditions, _, err := unstructured.NestedSlice(certificate.Object, "status", "conditions")
		m.must(t, err)
		conditions = append(conditions, map[string]any{
			"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "asked for by the test",
			"lastTransitionTime": time.Now().UTC().Format(time.RFC3339),
		})
		m.must(t, unstructured.SetNestedSlice(certificate.Object, conditions, "status", "conditions"))
		return m.kubelet.Client.Status().Update(t.Context(), certificate)
	}))
}

// issued is the certificate that cert-manager wrote.
func (m certManager) issued(t *testing.T) []byte {
	t.Helper()
	return m.secrets(t)["docs-mongodb-issued"]["tls.crt"]
}

// issues waits, in its own time and not in the operator's, until cert-manager has written another certificate than before.
func (m certManager) issues(t *testing.T, before []byte) {
	t.Helper()
	m.until(t, m.operator, "cert-manager to issue", func() bool { return !bytes.Equal(m.issued(t), before) })
}

func TestAnIssuerOfCertManagerIsAskedForTheCertificateAndThenNoMore(t *testing.T) {
	t.Parallel()
	c := newCertified(t, 1)
	m := certManager{c}
	company, err := trusttest.NewAuthority("company", time.Now().Add(-time.Hour), stack.AuthorityLifetime)
	c.must(t, err)
	team, err := trusttest.NewAuthority("team", time.Now().Add(-time.Hour), stack.AuthorityLifetime)
	c.must(t, err)
	condition := func() metav1.Condition { return c.condition(t, c.key, v1alpha1.ConditionDatabaseCertificateValid) }
	serves := func(authority *trusttest.Authority) bool {
		return c.trusts(t, authority.Certificate, c.operator) && bytes.Equal(c.secrets(t)["docs-mongodb-tls"]["tls.crt"], m.issued(t)) &&
			condition().Reason == "CertificateValid"
	}

	c.asks(t, v1alpha1.DatabaseTLSSpec{IssuerRef: &v1alpha1.IssuerRef{Name: "company", Kind: "ClusterIssuer"}})
	c.reaches(t, "the missing cert-manager to be told", func() bool {
		return condition().Reason == "CertificateRefused" && strings.Contains(condition().Message, "install cert-manager")
	})
	startCertManager(t)
	c.reaches(t, "what cert-manager says to be told", func() bool {
		return strings.Contains(condition().Message, `Referenced "ClusterIssuer" not found`) && condition().Status == "False"
	})
	m.issuer(t, "ClusterIssuer", "company", company)
	m.issues(t, nil)
	c.reaches(t, "the issued certificate to be served", func() bool { return serves(company) })
	c.rests(t)
	first := m.issued(t)
	m.renews(t)
	m.issues(t, first)
	c.reaches(t, "the one that was issued next to be served", func() bool { return serves(company) })

	m.issuer(t, "Issuer", "team", team)
	second := m.issued(t)
	c.asks(t, v1alpha1.DatabaseTLSSpec{IssuerRef: &v1alpha1.IssuerRef{Name: "team"}})
	m.issues(t, second)
	c.reaches(t, "another issuer's to be served", func() bool { return serves(team) })
	c.rests(t)
	c.asks(t, v1alpha1.DatabaseTLSSpec{})
	c.reaches(t, "the operator's own again", func() bool {
		now := c.signer(t)
		return m.asked(t) == nil && !now.Equal(team.Certificate) && c.trusts(t, now, c.operator)
	})
	c.rests(t)
	m.leavesAlone(t)
}

// leavesAlone has another deployment ask in the place of somebody else's Certificate.
func (m certManager) leavesAlone(t *testing.T) {
	t.Helper()
	strange := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"secretName": "their-own", "dnsNames": []any{"example.com"}, "issuerRef": map[string]any{"name": "nobody"},
	}}}
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
	for _, entry := range now.GetManagedFields() { // cert-manager itself writes to it
		if entry.Manager == apply.Manager {
			t.Errorf("somebody else's Certificate was written: %+v", entry)
		}
	}
}
