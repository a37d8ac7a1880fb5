// Command reference writes docs/custom-resource.md from the CRD, so that the page never differs from
// what the API server enforces.
package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

const (
	source = "config/crd/bases/chatpdf.dev_chatpdfdeployments.yaml"
	target = "docs/custom-resource.md"
)

const head = `# ChatPDFDeployment, field by field

<!-- Written by make manifests from ` + source + `. -->

Group ` + "`chatpdf.dev`, version `v1alpha1`, short name `cpdf`" + `. An empty spec is safe and complete inside the cluster.
"Absent" in a description is what holds when the field is left out; nothing is ever written into spec.

`

func main() {
	if len(os.Args) > 1 {
		fmt.Printf("Writes %s from %s. Run it in the checkout.\n\nexample: go run ./hack/reference\n", target, source)
		return
	}
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

func write() error {
	raw, err := os.ReadFile(filepath.FromSlash(source))
	if err != nil {
		return fmt.Errorf("%w (run it in the checkout, after make manifests)", err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(raw, &crd); err != nil {
		return err
	}
	schema := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
	var page strings.Builder
	page.WriteString(head)
	rules(&page, "The whole resource", *schema)
	section(&page, "spec", schema.Properties["spec"])
	section(&page, "status", schema.Properties["status"])
	return os.WriteFile(filepath.FromSlash(target), []byte(page.String()), 0o644)
}

// section writes the table of the fields below path, then the rules that tie them.
func section(page *strings.Builder, path string, schema apiextensionsv1.JSONSchemaProps) {
	fmt.Fprintf(page, "## %s\n\n| field | type | meaning |\n|---|---|---|\n", path)
	var ties strings.Builder
	fields(page, &ties, path, schema)
	page.WriteString("\n" + ties.String())
}

func fields(page, ties *strings.Builder, path string, schema apiextensionsv1.JSONSchemaProps) {
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		property := schema.Properties[name]
		child := path + "." + name
		if property.Items != nil {
			child += "[]"
		}
		fmt.Fprintf(page, "| `%s` | %s | %s |\n", child, kind(property), cell(property.Description))
		rules(ties, "`"+child+"`", property)
		if property.Items != nil && property.Items.Schema != nil {
			property = *property.Items.Schema
		}
		fields(page, ties, child, property)
	}
}

// kind is the type of a field with its bounds.
func kind(p apiextensionsv1.JSONSchemaProps) string {
	words := []string{p.Type}
	if p.XIntOrString {
		words = []string{"quantity"}
	}
	if p.Minimum != nil && p.Maximum != nil {
		words = append(words, fmt.Sprintf("%g to %g", *p.Minimum, *p.Maximum))
	}
	var choices []string
	for _, e := range p.Enum {
		choices = append(choices, strings.Trim(string(e.Raw), `"`))
	}
	if len(choices) > 0 {
		words = append(words, "one of "+strings.Join(choices, ", "))
	}
	return strings.Join(words, ", ")
}

func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", "\\|")
}

// rules lists the messages with which the API server refuses a value.
func rules(page *strings.Builder, of string, p apiextensionsv1.JSONSchemaProps) {
	if len(p.XValidations) == 0 {
		return
	}
	fmt.Fprintf(page, "%s is refused with:\n\n", of)
	for _, rule := range p.XValidations {
		fmt.Fprintf(page, "- %s\n", cell(rule.Message))
	}
	page.WriteString("\n")
}
