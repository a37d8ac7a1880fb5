package dbagent

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// slowLine is the part of a line of mongod's log that matters here.
type slowLine struct {
	ID int `json:"id"`
	T  struct {
		Date time.Time `json:"$date"`
	} `json:"t"`
	Attr struct {
		Type        string          `json:"type"`
		Namespace   string          `json:"ns"`
		Command     json.RawMessage `json:"command"`
		Originating json.RawMessage `json:"originatingCommand"`
		Plan        string          `json:"planSummary"`
		Millis      *float64        `json:"durationMillis"`
		Keys        float64         `json:"keysExamined"`
		Documents   float64         `json:"docsExamined"`
		Returned    float64         `json:"nreturned"`
	} `json:"attr"`
	// Truncated is what mongod left out of attributes of more than 10 kB.
	Truncated struct {
		Command     json.RawMessage `json:"command"`
		Originating json.RawMessage `json:"originatingCommand"`
	} `json:"truncated"`
}

// slowQueryID is the number of the message "Slow query" in every version.
const slowQueryID = 51803

// slowOperation is what one such line says.
type slowOperation struct {
	at                                time.Time
	key                               slowKey
	seconds, keys, examined, returned float64
}

// parseSlow reads a line of mongod's log. Any other line, and one that is broken, is none.
func parseSlow(line string) (slowOperation, bool) {
	// Most lines are others, and decoding is what costs.
	if !strings.Contains(line, "51803") {
		return slowOperation{}, false
	}
	var l slowLine
	if err := json.Unmarshal([]byte(line), &l); err != nil || l.ID != slowQueryID || l.Attr.Millis == nil {
		return slowOperation{}, false
	}
	a := l.Attr
	database, collection, _ := strings.Cut(a.Namespace, ".")
	if collection == "$cmd" {
		collection = writtenTo(a.Command)
	}
	shape := shapeOf(a.Type, a.Command, a.Originating)
	if len(l.Truncated.Command) > 0 || len(l.Truncated.Originating) > 0 {
		// It is not the shape of those that filter by these fields alone.
		shape = bounded(shape + " ...")
	}
	return slowOperation{
		at:      l.T.Date,
		key:     slowKey{database: bounded(database), collection: bounded(collection), shape: shape, plan: planOf(a.Plan)},
		seconds: max(0, *a.Millis) / 1e3, keys: max(0, a.Keys), examined: max(0, a.Documents), returned: max(0, a.Returned),
	}, true
}

// writtenTo is the collection of an update or delete, which are logged as commands of their
// database. Of other commands, whose values are anything, it is empty.
func writtenTo(command json.RawMessage) string {
	pairs := object(command)
	if len(pairs) == 0 || pairs[0].key != "update" && pairs[0].key != "delete" {
		return ""
	}
	var name string
	if err := json.Unmarshal(pairs[0].value, &name); err != nil {
		return ""
	}
	return name
}

// planOf keeps the names of the stages of a plan summary, as in COLLSCAN or IXSCAN { owner: 1 }.
func planOf(summary string) string {
	var stages []string
	depth := 0
	stage := strings.Builder{}
	for _, r := range summary + " " {
		switch {
		case depth == 0 && (r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_'):
			stage.WriteRune(r)
			continue
		case r == '{':
			depth++
		case r == '}':
			depth = max(0, depth-1)
		}
		if stage.Len() > 0 {
			stages = append(stages, stage.String())
			stage.Reset()
		}
	}
	slices.Sort(stages)
	return bounded(strings.Join(slices.Compact(stages), ","))
}
