package dbagent

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
)

const (
	// maxShapeLabel bounds the text of a shape, in bytes.
	maxShapeLabel = 120
	// maxName bounds one name in it; fields that people make are shorter.
	maxName = 40
	// maxDepth bounds how deep $and, $or and $nor are followed.
	maxDepth = 5
)

// pair is one field of a JSON object, with its value undecoded.
type pair struct {
	key   string
	value json.RawMessage
}

// shapeOf is what an operation has in common with all that differ in values alone: the command, the
// fields that it filters by, in alphabetical order, and the fields that it sorts by. It holds names
// only. originating is the command that made the cursor of a getMore.
func shapeOf(kind string, command, originating json.RawMessage) string {
	pairs := object(command)
	switch {
	case kind == "update":
		return bounded("update" + filter(lookup(pairs, "q")))
	case kind == "remove":
		return bounded("delete" + filter(lookup(pairs, "q")))
	case len(pairs) == 0:
		return "unknown"
	}
	name := cleanName(pairs[0].key)
	switch name {
	case "find":
		return bounded(name + filter(lookup(pairs, "filter")) + sortedBy(lookup(pairs, "sort")))
	case "findAndModify", "findandmodify":
		return bounded("findAndModify" + filter(lookup(pairs, "query")) + sortedBy(lookup(pairs, "sort")))
	case "count", "distinct":
		return bounded(name + filter(lookup(pairs, "query")))
	case "aggregate":
		return bounded(name + stages(lookup(pairs, "pipeline")))
	case "update", "delete":
		// The statements in it have lines of their own, if they were slow each for itself.
		return name + " command"
	case "getMore":
		if len(originating) > 0 {
			return bounded(name + " of " + shapeOf("", originating, nil))
		}
	}
	return name
}

// filter is the fields of a filter.
func filter(query json.RawMessage) string {
	names := filterNames(query, 0)
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return " {" + strings.Join(slices.Compact(names), ", ") + "}"
}

func filterNames(query json.RawMessage, depth int) []string {
	var names []string
	for _, p := range object(query) {
		switch p.key {
		case "$and", "$or", "$nor":
			if depth >= maxDepth {
				names = append(names, p.key)
				continue
			}
			for _, element := range array(p.value) {
				names = append(names, filterNames(element, depth+1)...)
			}
		case "$comment":
		default:
			names = append(names, cleanPath(p.key))
		}
	}
	return names
}

func sortedBy(order json.RawMessage) string {
	var names []string
	for _, p := range object(order) {
		names = append(names, cleanPath(p.key))
	}
	if len(names) == 0 {
		return ""
	}
	return " sort {" + strings.Join(names, ", ") + "}"
}

// stages are those of a pipeline, in order.
func stages(pipeline json.RawMessage) string {
	var text strings.Builder
	for _, element := range array(pipeline) {
		for _, p := range object(element) {
			text.WriteString(" " + cleanName(p.key))
			switch p.key {
			case "$match":
				text.WriteString(filter(p.value))
			case "$sort":
				text.WriteString(strings.TrimPrefix(sortedBy(p.value), " sort"))
			}
		}
		if text.Len() > maxShapeLabel {
			break
		}
	}
	return text.String()
}

// cleanPath cleans each name of a path with dots.
func cleanPath(path string) string {
	if len(path) > maxShapeLabel {
		return "*"
	}
	names := strings.Split(path, ".")
	for i, name := range names {
		names[i] = cleanName(name)
	}
	return strings.Join(names, ".")
}

// cleanName puts a star in place of what may be data: some applications use ids, addresses or
// times as names of fields, and positions in arrays stand in paths.
func cleanName(name string) string {
	if name == "" || len(name) > maxName {
		return "*"
	}
	digits, letters := 0, 0
	for _, r := range name {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case unicode.IsLetter(r), r == '_', r == '$':
			letters++
		case r != '-':
			return "*"
		}
	}
	if digits > 4 || letters == 0 {
		return "*"
	}
	return name
}

// bounded cuts a label, so that it cannot grow with what a client sends.
func bounded(label string) string {
	if len(label) <= maxShapeLabel {
		return label
	}
	return strings.ToValidUTF8(label[:maxShapeLabel-len("...")], "") + "..."
}

// object is the fields of a JSON object in their order, which a map would not keep; none if it is
// anything else.
func object(raw json.RawMessage) []pair {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil
	}
	var pairs []pair
	for decoder.More() {
		token, err := decoder.Token()
		key, is := token.(string)
		if err != nil || !is {
			return nil
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil
		}
		pairs = append(pairs, pair{key, value})
	}
	return pairs
}

func array(raw json.RawMessage) []json.RawMessage {
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil {
		return nil
	}
	return elements
}

func lookup(pairs []pair, key string) json.RawMessage {
	for _, p := range pairs {
		if p.key == key {
			return p.value
		}
	}
	return nil
}
