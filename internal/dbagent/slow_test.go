package dbagent

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func TestAShapeHoldsNamesAndNeverValues(t *testing.T) {
	for _, c := range []struct{ name, kind, command, want string }{
		{"a filter in any order", "command", `{"find":"c","filter":{"state":"hunter2","owner":"hunter2"}}`, "find {owner, state}"},
		{"no filter", "command", `{"find":"c","filter":{},"$db":"hunter2"}`, "find"},
		{"operators of a field", "command", `{"find":"c","filter":{"at":{"$gt":{"$date":"hunter2"}},"_id":{"$in":["hunter2"]}}}`, "find {_id, at}"},
		{"a document as value", "command", `{"find":"c","filter":{"who":{"name":"hunter2","hunter2":1}}}`, "find {who}"},
		{"a sort keeps its order", "command", `{"find":"c","filter":{"b":1},"sort":{"z":1,"a":-1}}`, "find {b} sort {z, a}"},
		{"and, or and nor", "command", `{"find":"c","filter":{"$or":[{"b":"hunter2"},{"$and":[{"a":1},{"b":2}]}],"$nor":[{"c":1}]}}`, "find {a, b, c}"},
		{"deeper than anybody writes", "command", `{"find":"c","filter":` + strings.Repeat(`{"$or":[`, 50) + `{"a":"hunter2"}` + strings.Repeat(`]}`, 50) + `}`, "find {$or}"},
		{"operators at the top", "command", `{"find":"c","filter":{"$text":{"$search":"hunter2"},"$expr":["hunter2"],"$comment":"hunter2"}}`, "find {$expr, $text}"},
		{"redacted by mongod", "command", `{"find":"###","filter":{"a":"###"}}`, "find {a}"},
		{"a filter that is none", "command", `{"find":"c","filter":"hunter2"}`, "find"},
		{"a filter that is a list", "command", `{"find":"c","filter":["hunter2"]}`, "find"},
		{"count", "command", `{"count":"c","query":{"a":"hunter2"}}`, "count {a}"},
		{"distinct", "command", `{"distinct":"c","key":"hunter2","query":{"a":1}}`, "distinct {a}"},
		{"findAndModify", "command", `{"findAndModify":"c","query":{"a":"hunter2"},"sort":{"b":1},"update":{"$set":{"x":"hunter2"}}}`, "findAndModify {a} sort {b}"},
		{"findandmodify", "command", `{"findandmodify":"c","query":{"a":"hunter2"}}`, "findAndModify {a}"},
		{"a pipeline", "command", `{"aggregate":"c","pipeline":[{"$match":{"b":"hunter2","a":1}},{"$group":{"_id":"$hunter2"}},{"$sort":{"n":-1}},{"$limit":3}]}`, "aggregate $match {a, b} $group $sort {n} $limit"},
		{"a pipeline of one database", "command", `{"aggregate":1,"pipeline":[{"$listLocalSessions":{}}]}`, "aggregate $listLocalSessions"},
		{"a pipeline that is none", "command", `{"aggregate":"c","pipeline":"hunter2"}`, "aggregate"},
		{"a statement of an update", "update", `{"q":{"_id":"hunter2"},"u":{"$set":{"x":"hunter2"}},"multi":false}`, "update {_id}"},
		{"a statement of a delete", "remove", `{"q":{"a":"hunter2"},"limit":0}`, "delete {a}"},
		{"a delete of all", "remove", `{"q":{},"limit":0}`, "delete"},
		{"a whole update", "command", `{"update":"hunter2","ordered":true}`, "update command"},
		{"a whole delete", "command", `{"delete":"hunter2","ordered":true}`, "delete command"},
		{"an insert", "command", `{"insert":"hunter2","documents":[{"a":"hunter2"}]}`, "insert"},
		{"another command", "command", `{"createUser":"hunter2","pwd":"hunter2"}`, "createUser"},
		{"a command of nobody", "command", `{"hunter2 and more":1}`, "*"},
		{"no command", "command", `{}`, "unknown"},
		{"a command that is none", "command", `"hunter2"`, "unknown"},
		{"nothing", "command", ``, "unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := shapeOf(c.kind, json.RawMessage(c.command), nil); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestAGetMoreHasTheShapeOfItsQuery(t *testing.T) {
	more := json.RawMessage(`{"getMore":4711,"collection":"c"}`)
	for _, c := range []struct{ originating, want string }{
		{`{"find":"c","filter":{"owner":"hunter2"}}`, "getMore of find {owner}"},
		{`{"aggregate":"c","pipeline":[{"$match":{"a":1}}]}`, "getMore of aggregate $match {a}"},
		{`{"getMore":1}`, "getMore of getMore"},
		{``, "getMore"},
	} {
		if got := shapeOf("command", more, json.RawMessage(c.originating)); got != c.want {
			t.Errorf("%s: %q, want %q", c.originating, got, c.want)
		}
	}
}

func TestANameThatMayBeDataBecomesAStar(t *testing.T) {
	for _, c := range []struct{ path, want string }{
		{"owner", "owner"},
		{"_id", "_id"},
		{"pages.3.text", "pages.*.text"},
		{"sha256", "sha256"},
		{"Größe", "Größe"},
		{"counts.507f1f77bcf86cd799439011", "counts.*"},
		{"counts.3f333df6-90a4-4fda-8dd3-9485d27cee36", "counts.*"},
		{"by.someone@example.com", "by.*.com"},
		{"opened.2026-01-31T10", "opened.*"},
		{"a b", "*"},
		{"line\nbreak", "*"},
		{`quote"}`, "*"},
		{"", "*"},
		{"a..b", "a.*.b"},
		{"\xff\xfe", "*"},
		{strings.Repeat("x", maxName+1), "*"},
		{strings.Repeat("x.", 1000), "*"},
	} {
		if got := cleanPath(c.path); got != c.want {
			t.Errorf("%q: %q, want %q", c.path, got, c.want)
		}
	}
}

func TestAShapeHasABoundedLengthWhateverWasSent(t *testing.T) {
	var filter, pipeline strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&filter, `"%s":1,`, strings.Repeat(string(rune('a'+i%26)), 1+i%30))
		pipeline.WriteString(`{"$match":{"ä":1}},`)
	}
	for _, command := range []string{
		`{"find":"c","filter":{` + strings.TrimSuffix(filter.String(), ",") + `}}`,
		`{"find":"c","sort":{` + strings.TrimSuffix(filter.String(), ",") + `}}`,
		`{"aggregate":"c","pipeline":[` + strings.TrimSuffix(pipeline.String(), ",") + `]}`,
	} {
		for _, shape := range []string{shapeOf("command", json.RawMessage(command), nil), shapeOf("command", json.RawMessage(`{"getMore":1}`), json.RawMessage(command))} {
			if len(shape) > maxShapeLabel || !strings.HasSuffix(shape, "...") || strings.ToValidUTF8(shape, "") != shape {
				t.Errorf("%d bytes: %s", len(shape), shape)
			}
		}
	}
}

func TestAPlanIsTheNamesOfItsStages(t *testing.T) {
	for summary, want := range map[string]string{
		"":         "",
		"COLLSCAN": "COLLSCAN",
		"IDHACK":   "IDHACK",
		"IXSCAN { owner: 1, at: -1 }, IXSCAN { b: 1 }": "IXSCAN",
		"IXSCAN { a: 1 }, COLLSCAN":                    "COLLSCAN,IXSCAN",
		`IXSCAN { SECRET: "TEXT", n: { DEEP: 1 } }`:    "IXSCAN",
		"EXPRESS_IXSCAN { _id: 1 },EXPRESS_UPDATE":     "EXPRESS_IXSCAN,EXPRESS_UPDATE",
		"GEO_NEAR_2DSPHERE { loc: \"2dsphere\" }":      "GEO_NEAR_2DSPHERE",
		"}}} COLLSCAN":                "COLLSCAN",
		strings.Repeat("A", 1000):     strings.Repeat("A", maxShapeLabel-3) + "...",
		"\xff lower case is no stage": "",
	} {
		if got := planOf(summary); got != want {
			t.Errorf("%q: %q, want %q", summary, got, want)
		}
	}
}

// line is one of mongod's log, as 6.0 writes it.
func line(at time.Time, attributes string) string {
	return `{"t":{"$date":"` + at.Format("2006-01-02T15:04:05.000-07:00") + `"},"s":"I","c":"COMMAND","id":51803,"ctx":"conn1","msg":"Slow query","attr":{` + attributes + `}}`
}

func TestOnlyWholeSlowQueryLinesCount(t *testing.T) {
	now := time.Now()
	good := line(now, `"type":"command","ns":"chatpdf.passages","command":{"find":"passages","filter":{"owner":"hunter2"}},"planSummary":"COLLSCAN","keysExamined":0,"docsExamined":500,"nreturned":2,"durationMillis":150`)
	got, is := parseSlow(good)
	want := slowOperation{key: slowKey{"chatpdf", "passages", "find {owner}", "COLLSCAN"}, seconds: 0.15, examined: 500, returned: 2, at: got.at}
	if !is || got != want || got.at.UnixMilli() != now.UnixMilli() {
		t.Errorf("%+v %v, want %+v", got, is, want)
	}
	for attributes, want := range map[string]slowKey{
		`"type":"command","ns":"d.$cmd","command":{"update":"c","ordered":true},"durationMillis":1`:             {"d", "c", "update command", ""},
		`"type":"command","ns":"d.$cmd","command":{"delete":["hunter2"]},"durationMillis":1`:                    {"d", "", "delete command", ""},
		`"type":"command","ns":"d.$cmd","command":{"dropUser":"hunter2","update":"hunter2"},"durationMillis":1`: {"d", "", "dropUser", ""},
		`"type":"remove","ns":"d.c.e","command":{"q":{"a":"hunter2"},"limit":0},"durationMillis":1`:             {"d", "c.e", "delete {a}", ""},
		`"durationMillis":1`: {"", "", "unknown", ""},
	} {
		if got, is := parseSlow(line(now, attributes)); !is || got.key != want {
			t.Errorf("%s: %+v %v, want %+v", attributes, got.key, is, want)
		}
	}
	truncated := strings.TrimSuffix(good, "}") + `,"truncated":{"command":{"filter":{"x":{"type":"string","size":40005}}}},"size":{"command":40274}}`
	if got, is := parseSlow(truncated); !is || got.key.shape != "find {owner} ..." {
		t.Errorf("a truncated command: %+v %v", got, is)
	}
	for name, broken := range map[string]string{
		"cut off":                  good[:len(good)-20],
		"empty":                    "",
		"no JSON":                  "51803 Slow query",
		"another message":          strings.Replace(good, `"id":51803`, `"id":51804`, 1),
		"the number elsewhere":     strings.Replace(good, `"id":51803`, `"id":1,"x":51803`, 1),
		"no duration":              strings.Replace(good, `"durationMillis":150`, `"x":1`, 1),
		"a duration that is none":  strings.Replace(good, `"durationMillis":150`, `"durationMillis":"long"`, 1),
		"a time that is none":      strings.Replace(good, now.Format("2006-01-02"), "yesterday", 1),
		"attributes that are none": `{"id":51803,"attr":[1,2]}`,
		"deep nesting":             line(now, `"durationMillis":1,"command":`+strings.Repeat("[", 20000)),
	} {
		if _, is := parseSlow(broken); is {
			t.Errorf("%s was counted", name)
		}
	}
}

// answers are those of a mongod that has written so many lines in all.
func answers(t *testing.T, process bson.ObjectID, written int, lines ...string) (hello, log bson.Raw) {
	t.Helper()
	marshal := func(document any) bson.Raw {
		raw, err := bson.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	return marshal(bson.M{"topologyVersion": bson.M{"processId": process}}), marshal(bson.M{"totalLinesWritten": written, "log": lines})
}

func TestEveryLineCountsOnceAndWhatWasMissedIsTold(t *testing.T) {
	start := time.Now()
	slow := func(after time.Duration) string {
		return line(start.Add(after), `"type":"command","ns":"d.c","command":{"find":"c","filter":{"a":1}},"durationMillis":1000`)
	}
	first, second := bson.NewObjectID(), bson.NewObjectID()
	other := `{"id":1,"msg":"anything"}`
	s := newSlowLog(start)
	for _, step := range []struct {
		what          string
		process       bson.ObjectID
		written       int
		lines         []string
		count, missed int
	}{
		{"lines of before the agent are not its own", first, 1000, []string{slow(-time.Hour), slow(time.Second), other}, 1, 0},
		{"nothing new", first, 1000, []string{slow(-time.Hour), slow(time.Second), other}, 1, 0},
		{"one of the same millisecond", first, 1001, []string{slow(time.Second), other, slow(time.Second)}, 2, 0},
		{"mongod has dropped five", first, 1008, []string{slow(time.Minute), slow(time.Minute)}, 4, 5},
		{"mongod was started again", second, 2, []string{slow(time.Hour), other}, 5, 5},
		{"and has written more than before", second, 5000, []string{slow(time.Hour)}, 6, 5002},
		{"the clock was set back", second, 5001, []string{slow(time.Hour), slow(-time.Hour)}, 7, 5002},
		{"fewer than ever", second, 0, nil, 7, 5002},
	} {
		hello, log := answers(t, step.process, step.written, step.lines...)
		if err := s.read(hello, log); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		count := 0
		for _, c := range s.counts {
			count += int(c.operations)
		}
		if count != step.count || int(s.missed) != step.missed {
			t.Errorf("%s: %d counted, %d missed, want %d and %d", step.what, count, s.missed, step.count, step.missed)
		}
	}
	hello, log := answers(t, second, 3)
	if s.read(log, log) == nil || s.read(hello, bson.Raw("nonsense")) == nil {
		t.Error("an answer that is none was taken")
	}
}

func TestShapesAreBoundedAndTheRestIsOther(t *testing.T) {
	s := newSlowLog(time.Now())
	for i := range 3 * maxShapes {
		s.count(slowOperation{key: slowKey{database: "d", collection: fmt.Sprint(i), shape: "find"}, seconds: 1})
	}
	other := s.counts[slowKey{shape: "other"}]
	if len(s.counts) != maxShapes+1 || other == nil || other.operations != 2*maxShapes {
		t.Errorf("%d shapes, other %+v", len(s.counts), other)
	}
}
