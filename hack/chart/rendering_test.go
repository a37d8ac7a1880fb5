package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	psaapi "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"chatpdf.dev/operator/api/v1alpha1"
)

const (
	root  = "../.."
	chart = root + "/charts/chatpdf-operator"

	releaseName      = "chatpdf-operator"
	releaseNamespace = "operators"
)

// tool returns the path of a pinned tool, which is built first if it has to be.
func tool(t *testing.T, name string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), filepath.Join(root, "hack/tools/tool.sh"), name)
	command.Stderr = os.Stderr
	path, err := command.Output()
	if err != nil {
		t.Fatalf("building %s: %v", name, err)
	}
	return strings.TrimSpace(string(path))
}

// helm runs helm away from the configuration of whoever runs the test, and of any cluster.
func helm(t *testing.T, arguments ...string) (stdout string, err error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), tool(t, "helm"), arguments...)
	home := t.TempDir()
	command.Env = []string{"HOME=" + home, "KUBECONFIG=" + filepath.Join(home, "none"), "PATH=" + os.Getenv("PATH")}
	var out, problem bytes.Buffer
	command.Stdout, command.Stderr = &out, &problem
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("helm %s: %w: %s", arguments[0], err, problem.String())
	}
	return out.String(), nil
}

// template renders the chart with values, a YAML document, as text.
func template(t *testing.T, values string, arguments ...string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte(values), 0o600); err != nil {
		t.Fatal(err)
	}
	return helm(t, append([]string{"template", releaseName, chart, "--namespace", releaseNamespace, "--values", file}, arguments...)...)
}

// render renders the chart with values and decodes every object strictly: an unknown field, a field
// given twice or a value of the wrong type fails the test.
func render(t *testing.T, values string, arguments ...string) []runtime.Object {
	t.Helper()
	text, err := template(t, values, arguments...)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, text)
}

func strictDecoder(t *testing.T) runtime.Decoder {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
}

// decode reads a stream of YAML documents. Kinds of other projects stay unstructured.
func decode(t *testing.T, text string) []runtime.Object {
	t.Helper()
	var objects []runtime.Object
	seen := map[string]bool{}
	decoder := strictDecoder(t)
	reader := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatal(err)
		}
		raw, err := yaml.ToJSON(document)
		if err != nil {
			t.Fatalf("%v in:\n%s", err, document)
		}
		if string(raw) == "null" {
			continue
		}
		object, err := decodeOne(decoder, document, raw)
		if err != nil {
			t.Fatalf("%v in:\n%s", err, document)
		}
		if name := nameOf(t, object); seen[name] {
			t.Errorf("%s is rendered twice", name)
		} else {
			seen[name] = true
		}
		objects = append(objects, object)
	}
}

func decodeOne(decoder runtime.Decoder, document, raw []byte) (runtime.Object, error) {
	object, _, err := decoder.Decode(document, nil, nil)
	if runtime.IsNotRegisteredError(err) {
		foreign := &unstructured.Unstructured{}
		err = foreign.UnmarshalJSON(raw)
		return foreign, err
	}
	return object, err
}

func nameOf(t *testing.T, object runtime.Object) string {
	t.Helper()
	accessor, err := meta.Accessor(object)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s %s/%s", object.GetObjectKind().GroupVersionKind().Kind, accessor.GetNamespace(), accessor.GetName())
}

// only returns the one object of type T, and fails if there is another number of them.
func only[T runtime.Object](t *testing.T, objects []runtime.Object) T {
	t.Helper()
	found := all[T](objects)
	if len(found) != 1 {
		var zero T
		t.Fatalf("got %d objects of type %T, want 1", len(found), zero)
	}
	return found[0]
}

func all[T runtime.Object](objects []runtime.Object) []T {
	var found []T
	for _, object := range objects {
		if typed, is := object.(T); is {
			found = append(found, typed)
		}
	}
	return found
}

// checkRestricted judges a pod as the API server does in a namespace with the label
// pod-security.kubernetes.io/enforce: restricted.
func checkRestricted(t *testing.T, pod *corev1.PodTemplateSpec) {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := psaapi.LevelVersion{Level: psaapi.LevelRestricted, Version: psaapi.LatestVersion()}
	result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &metav1.ObjectMeta{}, &pod.Spec))
	if !result.Allowed {
		t.Errorf("the pod does not meet the restricted Pod Security Standard: %s", result.ForbiddenDetail())
	}
}
