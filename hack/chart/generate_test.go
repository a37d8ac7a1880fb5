package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/yaml"
)

func TestGeneratedFilesAreUpToDate(t *testing.T) {
	if err := run(root, compare); err != nil {
		t.Error(err)
	}
}

func TestCheckFindsWhatDiffersAndWhatIsLeftOver(t *testing.T) {
	directory := t.TempDir()
	crds := filepath.Join(directory, crdTemplateDirectory)
	if err := os.MkdirAll(crds, 0o750); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"stays.yaml", "gone.yaml"} {
		if err := os.WriteFile(filepath.Join(crds, name), []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := map[string][]byte{filepath.Join(crdTemplateDirectory, "stays.yaml"): []byte("new")}
	if err := compare(directory, files); err == nil || !strings.Contains(err.Error(), "gone.yaml") || !strings.Contains(err.Error(), "stays.yaml") {
		t.Errorf("got error %v, want both files named", err)
	}
	if err := write(directory, files); err != nil {
		t.Fatal(err)
	}
	if err := compare(directory, files); err != nil {
		t.Errorf("after writing: %v", err)
	}
}

func TestDescriptionsOfACRDAreNotTemplates(t *testing.T) {
	const crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: as.example.com\n" +
		"spec:\n  names:\n    plural: as\n  # {{ fail }}\n"
	_, template, err := crdTemplateOf("a.yaml", []byte(crd))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(template), "# {{ `{{` }} fail }}") {
		t.Errorf("got:\n%s", template)
	}
}

func TestRightsAreSplitByWhereTheResourceLives(t *testing.T) {
	rules := []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"nodes", "pods", "pods/status"}, Verbs: []string{"get"}},
		{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}},
	}
	cluster, namespaced, err := splitByScope(rules)
	if err != nil {
		t.Fatal(err)
	}
	wantCluster := []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"nodes"}, Verbs: []string{"get"}}, rules[1]}
	wantNamespaced := []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods", "pods/status"}, Verbs: []string{"get"}}}
	if !equality.Semantic.DeepEqual(cluster, wantCluster) || !equality.Semantic.DeepEqual(namespaced, wantNamespaced) {
		t.Errorf("got %v and %v", cluster, namespaced)
	}
	if _, _, err := splitByScope([]rbacv1.PolicyRule{{Resources: []string{"novelties"}}}); err == nil || !strings.Contains(err.Error(), "novelties") {
		t.Errorf("a resource of unknown scope: got error %v", err)
	}
}

func TestValuesAreReadFromTheirComments(t *testing.T) {
	got, err := documentedValues([]byte("# About the file.\n\n# -- First\n# of two lines.\na: 1\nb:\n  # -- Inner.\n  c: []\n# -- Whole.\nd: {e: f}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []value{{"a", "1", "First of two lines."}, {"b.c", "[]", "Inner."}, {"d", `{"e":"f"}`, "Whole."}}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, source := range []string{"a: 1", "# Not a description.\na: 1", "a: {}", "", "a: [", "# -- x\n- a"} {
		if got, err := documentedValues([]byte(source)); err == nil && len(got) > 0 {
			t.Errorf("%q: got %q and no error", source, got)
		}
	}
}

func TestEveryValueIsInTheSchemaAndEveryPropertyIsAValue(t *testing.T) {
	source, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	values, err := documentedValues(source)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, v := range values {
		paths = append(paths, v.Path)
	}
	content, err := os.ReadFile(filepath.Join(chart, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(content, &schema); err != nil {
		t.Fatal(err)
	}
	got := schemaPaths(t, schema, schema, "", paths)
	slices.Sort(got)
	slices.Sort(paths)
	if !slices.Equal(got, paths) {
		t.Errorf("the schema has %q,\nvalues.yaml has %q", got, paths)
	}
}

// schemaPaths lists the properties of a schema down to those that are values, and checks that every
// object on the way there is closed. The property global belongs to Helm.
func schemaPaths(t *testing.T, whole, schema map[string]any, prefix string, values []string) []string {
	t.Helper()
	if schema["additionalProperties"] != false {
		t.Errorf("the schema takes unknown keys below %q", prefix)
	}
	properties, _ := schema["properties"].(map[string]any)
	var paths []string
	for name, property := range properties {
		below := property.(map[string]any)
		path := prefix + name
		switch {
		case path == "global":
		case slices.Contains(values, path) || !slices.ContainsFunc(values, func(v string) bool { return strings.HasPrefix(v, path+".") }):
			paths = append(paths, path)
		default:
			if reference, is := below["$ref"].(string); is {
				below = whole["$defs"].(map[string]any)[strings.TrimPrefix(reference, "#/$defs/")].(map[string]any)
			}
			paths = append(paths, schemaPaths(t, whole, below, path+".", values)...)
		}
	}
	return paths
}

func TestChartMetadataIsStrict(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(chart, "Chart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var metadata struct {
		APIVersion, Name, Description, Type, Version, AppVersion, KubeVersion, Home string

		Keywords    []string
		Annotations map[string]string
	}
	if err := yaml.UnmarshalStrict(content, &metadata); err != nil {
		t.Error(err)
	}
}
