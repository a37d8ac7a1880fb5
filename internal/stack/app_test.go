package stack_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/app/config"
	"chatpdf.dev/operator/internal/release"
	"chatpdf.dev/operator/internal/stack"
)

var brought = stack.Config{AppImage: "app:1", MongoDBImage: "mongo:6.0.5", AgentImage: "agent:1", ClusterDomain: "cluster.local"}

func candidate(spec v1alpha1.ChatPDFDeploymentSpec) release.Content {
	d := &v1alpha1.ChatPDFDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "docs"}, Spec: spec}
	return stack.Candidate(d, brought, release.Content{})
}

func withModel() v1alpha1.ChatPDFDeploymentSpec {
	return v1alpha1.ChatPDFDeploymentSpec{LLM: v1alpha1.LLMSpec{
		BaseURL: "https://llm.example.com/v1", ChatModel: "a$(HOME)b$$c", APIKeySecretRef: &v1alpha1.SecretKeyRef{Name: "openai", Key: "key"},
	}}
}

// environment is what the process of a container would see; files are made with some content.
func environment(t *testing.T, c corev1ac.ContainerApplyConfiguration) []string {
	t.Helper()
	content := map[string]string{
		"MONGODB_URI_FILE": "mongodb://u:p@docs-mongodb.ns.svc.cluster.local:27017/chatpdf?replicaSet=docs&tls=true",
		"MONGODB_CA_FILE":  authority(t), "OPENAI_API_KEY_FILE": "sk-1",
		"INITIAL_ADMIN_USERNAME_FILE": "admin", "INITIAL_ADMIN_PASSWORD_FILE": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	}
	var lines []string
	for _, e := range c.Env {
		value := strings.ReplaceAll(*e.Value, "$$", "$") // as the kubelet does
		if text, ok := content[*e.Name]; ok {
			value = filepath.Join(t.TempDir(), *e.Name)
			if err := os.WriteFile(value, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		} else if strings.HasSuffix(*e.Name, "_FILE") {
			t.Errorf("the test does not know what stands in %s", *e.Name)
		}
		lines = append(lines, *e.Name+"="+value)
	}
	return lines
}

// withTheirs has a database that somebody else runs, whose authorities everybody trusts.
func withTheirs() v1alpha1.ChatPDFDeploymentSpec {
	return v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{
		External: &v1alpha1.ExternalDatabaseSpec{URISecretRef: v1alpha1.SecretKeyRef{Name: "theirs", Key: "connection"}},
	}}
}

func TestTheApplicationKnowsEveryVariableAndMissesNone(t *testing.T) {
	for _, spec := range []v1alpha1.ChatPDFDeploymentSpec{withModel(), withTheirs()} {
		content := candidate(spec)
		everyVariable(t, config.RoleBackend, content.App.Backend)
		everyVariable(t, config.RoleFrontend, content.App.Frontend)
	}
}

func everyVariable(t *testing.T, role config.Role, template *corev1ac.PodTemplateSpecApplyConfiguration) {
	t.Helper()
	known, set := map[string]bool{}, map[string]bool{}
	for _, v := range config.Variables(role) {
		known[v.Name] = true
	}
	for _, e := range template.Spec.Containers[0].Env {
		name := strings.TrimSuffix(*e.Name, "_FILE")
		if set[name] {
			t.Errorf("%s: %s is set twice", role, name)
		}
		set[name] = true
		if !known[name] && name != "GOMEMLIMIT" {
			t.Errorf("%s: nobody reads %s", role, *e.Name)
		}
	}
	for _, v := range config.Variables(role) {
		if v.Required && !set[v.Name] {
			t.Errorf("%s: %s is required and not set", role, v.Name)
		}
		if v.Secret && set[v.Name] && !hasFile(template, v.Name) {
			t.Errorf("%s: the secret %s is not given as a file", role, v.Name)
		}
	}
}

func hasFile(template *corev1ac.PodTemplateSpecApplyConfiguration, name string) bool {
	for _, e := range template.Spec.Containers[0].Env {
		if *e.Name == name+"_FILE" {
			return true
		}
	}
	return false
}

func TestTheApplicationAcceptsWhatItIsGiven(t *testing.T) {
	for name, spec := range map[string]v1alpha1.ChatPDFDeploymentSpec{"empty": {}, "with a model": withModel(), "with a database of somebody else": withTheirs()} {
		content := candidate(spec)
		backend, err := config.LoadBackend(environment(t, content.App.Backend.Spec.Containers[0]))
		if err != nil {
			t.Errorf("%s: the backend refuses: %v", name, err)
		}
		if want := spec.LLM.ChatModel; want != "" && backend.OpenAIChatModel != want {
			t.Errorf("%s: the model arrives as %q, want %q", name, backend.OpenAIChatModel, want)
		}
		if _, err := config.LoadFrontend(environment(t, content.App.Frontend.Spec.Containers[0])); err != nil {
			t.Errorf("%s: the frontend refuses: %v", name, err)
		}
	}
}

func TestEveryFileThatAVariableNamesIsMounted(t *testing.T) {
	container := candidate(withModel()).App.Backend.Spec.Containers[0]
	for _, e := range container.Env {
		if !strings.HasSuffix(*e.Name, "_FILE") {
			continue
		}
		mounted := false
		for _, m := range container.VolumeMounts {
			mounted = mounted || filepath.Dir(*e.Value) == *m.MountPath
			if m.SubPath != nil {
				t.Errorf("%s is mounted by subPath, which never follows a change", *m.MountPath)
			}
		}
		if !mounted {
			t.Errorf("%s is %s, where nothing is mounted", *e.Name, *e.Value)
		}
	}
}

// authority makes a certificate that the application takes for one.
func authority(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
