package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	readme     = "charts/chatpdf-operator/README.md"
	valuesFile = "charts/chatpdf-operator/values.yaml"
	tableBegin = "<!-- values: written by hack/chart from values.yaml -->\n"
	tableEnd   = "<!-- end of values -->\n"
)

// value is one row of the table.
type value struct {
	Path, Default, Description string
}

// readmeWithValues returns the chart's README with a fresh table of values between its two marks.
func readmeWithValues(root string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, readme))
	if err != nil {
		return nil, err
	}
	source, err := os.ReadFile(filepath.Join(root, valuesFile))
	if err != nil {
		return nil, err
	}
	values, err := documentedValues(source)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", valuesFile, err)
	}
	before, rest, begun := bytes.Cut(text, []byte(tableBegin))
	_, after, ended := bytes.Cut(rest, []byte(tableEnd))
	if !begun || !ended {
		return nil, fmt.Errorf("%s lacks the marks %q and %q around its table", readme, tableBegin, tableEnd)
	}
	var out bytes.Buffer
	out.Write(before)
	out.WriteString(tableBegin + "| Value | Default | Meaning |\n|---|---|---|\n")
	for _, v := range values {
		fmt.Fprintf(&out, "| `%s` | `%s` | %s |\n", v.Path, v.Default, strings.ReplaceAll(v.Description, "|", `\|`))
	}
	out.WriteString(tableEnd)
	out.Write(after)
	return out.Bytes(), nil
}

// documentedValues returns every value of a values.yaml, in its order. A comment that starts with
// "# -- " documents the value below it, a mapping as a whole too; a value without one is an error.
func documentedValues(source []byte) ([]value, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(source, &document); err != nil {
		return nil, err
	}
	if len(document.Content) == 0 {
		return nil, fmt.Errorf("it is empty")
	}
	return valuesBelow(document.Content[0], "")
}

func valuesBelow(mapping *yaml.Node, prefix string) ([]value, error) {
	var values []value
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, node := mapping.Content[i], mapping.Content[i+1]
		path := prefix + key.Value
		description, documented := description(key.HeadComment)
		if !documented {
			if node.Kind != yaml.MappingNode || len(node.Content) == 0 {
				return nil, fmt.Errorf("line %d: %s has no comment that starts with \"# -- \"", key.Line, path)
			}
			below, err := valuesBelow(node, path+".")
			if err != nil {
				return nil, err
			}
			values = append(values, below...)
			continue
		}
		var content any
		if err := node.Decode(&content); err != nil {
			return nil, fmt.Errorf("line %d: %w", key.Line, err)
		}
		standard, err := json.Marshal(content)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", key.Line, err)
		}
		values = append(values, value{Path: path, Default: string(standard), Description: description})
	}
	return values, nil
}

var commentMark = regexp.MustCompile(`(?m)^# ?`)

// description returns the text of the last paragraph of a comment, if that starts with "--".
func description(comment string) (string, bool) {
	paragraphs := strings.Split(comment, "\n\n")
	text := commentMark.ReplaceAllString(paragraphs[len(paragraphs)-1], "")
	text, documented := strings.CutPrefix(text, "-- ")
	return strings.Join(strings.Fields(text), " "), documented
}
