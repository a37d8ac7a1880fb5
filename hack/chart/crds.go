package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

const crdTemplateDirectory = "charts/chatpdf-operator/templates/crds"

// The spec is copied as text rather than decoded and encoded again: what the chart installs is what
// controller-gen wrote, byte for byte.
const crdTemplate = `{{- /* Written by hack/chart from %[1]s. Do not edit. */}}
{{- if .Values.crds.enabled }}
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: %[2]s
  labels:
    {{- include "chatpdf-operator.labels" . | nindent 4 }}
  annotations:
    {{- include "chatpdf-operator.crdAnnotations" (dict "root" . "annotations" (fromYaml %[3]q)) | nindent 4 }}
%[4]s{{- end }}
`

// crdTemplates returns one template for each CRD in the directory bases, by its path below the root.
func crdTemplates(bases string) (map[string][]byte, error) {
	sources, err := filepath.Glob(filepath.Join(bases, "*.yaml"))
	if err != nil {
		return nil, err
	}
	if len(sources) == 0 {
		return nil, fmt.Errorf("no CRD in %s: run `make manifests` first", bases)
	}
	templates := map[string][]byte{}
	for _, source := range sources {
		content, err := os.ReadFile(source)
		if err != nil {
			return nil, err
		}
		name, template, err := crdTemplateOf(filepath.Base(source), content)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", source, err)
		}
		templates[filepath.Join(crdTemplateDirectory, name)] = template
	}
	return templates, nil
}

func crdTemplateOf(source string, content []byte) (name string, template []byte, err error) {
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(content, &crd); err != nil {
		return "", nil, err
	}
	_, spec, found := bytes.Cut(content, []byte("\nspec:\n"))
	if !found {
		return "", nil, fmt.Errorf("there is no spec at the left margin")
	}
	annotations, err := yaml.Marshal(crd.Annotations)
	if err != nil {
		return "", nil, err
	}
	spec = append([]byte("spec:\n"), escapeTemplate(spec)...)
	text := fmt.Sprintf(crdTemplate, "config/crd/bases/"+source, crd.Name, annotations, spec)
	return crd.Spec.Names.Plural + ".yaml", []byte(text), nil
}

// escapeTemplate keeps Helm from reading text as a template.
func escapeTemplate(text []byte) []byte {
	return bytes.ReplaceAll(text, []byte("{{"), []byte("{{ `{{` }}"))
}
