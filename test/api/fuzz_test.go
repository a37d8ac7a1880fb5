package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"chatpdf.dev/operator/api/v1alpha1"
	appconfig "chatpdf.dev/operator/app/config"
	"chatpdf.dev/operator/internal/release"
	"chatpdf.dev/operator/internal/stack"
)

var (
	fuzzSeed  = flag.Uint64("fuzz.seed", 0, "seed of the random specs; 0 takes another one each time")
	fuzzSpecs = flag.Int("fuzz.specs", 1500, "how many random specs to try")
)

// TestWhateverTheAPIServerAcceptsDecodesAndPlans makes specs at random from the schema, some of them
// wrong. One object that does not decode would stop the informer for all; one that plans to something
// that the API server refuses, or changes, would be written for ever.
func TestWhateverTheAPIServerAcceptsDecodesAndPlans(t *testing.T) {
	t.Parallel()
	seed, specs := *fuzzSeed, *fuzzSpecs
	if text := os.Getenv("SOAK_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("SOAK_SEED is %q, not a number: %v", text, err)
		}
		specs = 50_000
	}
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	fmt.Printf("NOTE %d random specs, repeat them with -fuzz.seed=%d\n", specs, seed)
	random := generator{rand.New(rand.NewPCG(seed, seed))}
	schema := specSchema(t)
	w := newWorld(t)
	o := startOperator(t, defaultConfig, nil)
	accepted, passes := 0, 12
	for range specs {
		spec, _ := random.value(schema).(map[string]any)
		object := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
		object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ChatPDFDeployment"))
		object.SetNamespace(w.namespace)
		object.SetName("docs")
		text, err := json.Marshal(spec)
		w.must(t, err)
		stored := object.DeepCopy()
		if err := w.Create(t.Context(), stored, client.DryRunAll); err != nil {
			continue
		}
		accepted++
		plan(t, stored, string(text))
		if passes > 0 && len(text) > 100 {
			passes--
			w.must(t, w.Create(t.Context(), object))
			key := w.key("docs")
			o.settle(t, key) // fails if a pass fails, or never stops writing
			w.remove(t, key)
			if t.Failed() {
				t.Fatalf("with the spec %s", text)
			}
		}
	}
	t.Logf("%d of %d accepted", accepted, specs)
	if accepted < *fuzzSpecs/20 {
		t.Errorf("only %d of %d specs were accepted: the generator tests nothing", accepted, *fuzzSpecs)
	}
}

// plan decodes as an informer does and renders everything.
func plan(t *testing.T, object *unstructured.Unstructured, spec string) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Fatalf("%v with the spec %s", p, spec)
		}
	}()
	text, err := object.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	d := &v1alpha1.ChatPDFDeployment{}
	if err := json.Unmarshal(text, d); err != nil {
		t.Fatalf("accepted, but cannot be decoded: %v; spec %s", err, spec)
	}
	for _, config := range []stack.Config{defaultConfig, newerConfig} {
		content := release.Decide(nil, stack.Candidate(d, config, release.Content{}), d.Name, "uid").Current.Content
		objects := stack.Build(stack.Input{Deployment: d, Owner: metav1.OwnerReference{}, Release: content, Members: stack.Members(d.Spec)})
		for _, deployment := range objects.Deployments {
			if _, err := runtime.DefaultUnstructuredConverter.ToUnstructured(deployment); err != nil {
				t.Fatalf("cannot be encoded: %v; spec %s", err, spec)
			}
		}
		_, backend := appconfig.LoadBackend(environment(content.App.Backend))
		_, frontend := appconfig.LoadFrontend(environment(content.App.Frontend))
		if err := errors.Join(backend, frontend); err != nil {
			t.Fatalf("accepted, but the application would not start: %v; spec %s", err, spec)
		}
	}
}

// environment is what the application would see, with something in the place of files.
func environment(template *corev1ac.PodTemplateSpecApplyConfiguration) []string {
	content := map[string]string{"MONGODB_URI_FILE": "mongodb://u:p@h/chatpdf?tls=true", "INITIAL_ADMIN_USERNAME_FILE": "admin"}
	var lines []string
	for _, e := range template.Spec.Containers[0].Env {
		name, isFile := strings.CutSuffix(*e.Name, "_FILE")
		switch {
		case name == "MONGODB_CA":
		case isFile:
			lines = append(lines, name+"="+cmp.Or(content[*e.Name], "ABCDEFGHIJKLMNOP"))
		default:
			lines = append(lines, name+"="+strings.ReplaceAll(*e.Value, "$$", "$"))
		}
	}
	return lines
}

func specSchema(t *testing.T) apiextensionsv1.JSONSchemaProps {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(crdDirectory, "chatpdf.dev_chatpdfdeployments.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(content, &crd); err != nil {
		t.Fatal(err)
	}
	return crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
}

// generator makes values that mostly, but not always, fit a schema.
type generator struct{ *rand.Rand }

var (
	strangeQuantities = []any{
		"1", "0", "-1", "1Gi", "2Gi", "1.5Gi", "0.5", ".5", "5.", "+3", "1e3", "1E3", "1e-3", "1e9", "1E", "1Ei", "9E", "1n", "1500u", "250m",
		"1000m", "100000000000000000000", "1e400", "0.0000000001", "1.5.2", "1 Gi", "1gi", "", "lots", "0x10", "Inf", "NaN",
		int64(1), int64(0), int64(-5), int64(1073741824), int64(9223372036854775807), 1.5, 1e30,
	}
	strangeStrings = []any{
		"", "a", "docs", "openai", "api-key", "registry.example.com/chatpdf:1.4.0", "https://llm.example.com/v1", "http://x", "https://user@x",
		"..", ".", "a b", "A", "ünïcödé", "fast-ssd", "gpt-4o", "INFO", "json", "\n", "$(POD_NAME)", "--flag", "'\"`",
	}
	strangeIntegers = []any{int64(0), int64(1), int64(2), int64(3), int64(50), int64(100), int64(-1), int64(1) << 31, int64(1) << 40, 0.5, "7"}
)

func (g generator) value(schema apiextensionsv1.JSONSchemaProps) any {
	const wrongType = 0.002
	if g.Float64() < wrongType {
		return g.one([]any{nil, true, "text", int64(5), []any{}, map[string]any{}})
	}
	switch {
	case schema.XIntOrString:
		return g.usually(g.one([]any{"250m", "1", "512Mi", "1Gi", "4Gi", "20Gi", "1.5Gi", "1500u", int64(2), int64(2147483648)}), strangeQuantities)
	case len(schema.Enum) > 0:
		var value any
		_ = json.Unmarshal(schema.Enum[g.IntN(len(schema.Enum))].Raw, &value)
		return value
	case schema.Type == "object":
		return g.object(schema)
	case schema.Type == "integer":
		return g.usually(g.within(schema), strangeIntegers)
	case schema.Type == "boolean":
		return g.IntN(8) == 0
	}
	return g.usually(g.one([]any{"docs", "fast", "https://llm.example.com/v1", "6.0"}), strangeStrings)
}

func (g generator) object(schema apiextensionsv1.JSONSchemaProps) map[string]any {
	object := map[string]any{}
	required := map[string]bool{}
	for _, name := range schema.Required {
		required[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) { // in order, so that a seed repeats
		if required[name] || g.Float64() < 0.35 {
			object[name] = g.value(schema.Properties[name])
		}
	}
	return object
}

func (g generator) within(schema apiextensionsv1.JSONSchemaProps) any {
	low, high := 1.0, 100.0
	if schema.Minimum != nil {
		low = *schema.Minimum
	}
	if schema.Maximum != nil {
		high = *schema.Maximum
	}
	return int64(low + g.Float64()*(high-low))
}

// usually is the sensible value, but one time in ten a strange one.
func (g generator) usually(sensible any, strange []any) any {
	if g.Float64() < 0.1 {
		return g.one(strange)
	}
	return sensible
}

func (g generator) one(values []any) any { return values[g.IntN(len(values))] }
