package answer

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/retrieve"
)

// source makes a passage of sentences, each with a rectangle of its own.
func source(document string, page int, sentences ...string) Source {
	p := chatpdf.Passage{Document: chatpdf.DocumentID(document), Page: page, Text: strings.Join(sentences, " ")}
	at := 0
	for i, s := range sentences {
		y := float32(i+1) / 100
		p.Sentences = append(p.Sentences, chatpdf.Sentence{Start: at, End: at + len(s), Rects: []chatpdf.Rect{{X0: 0.1, Y0: y, X1: 0.9, Y1: y + 0.01}}})
		at += len(s) + 1
	}
	p.End = len(p.Text)
	return Source{Passage: p, DocumentName: document + ".pdf"}
}

var handbook = []Source{
	source("handbook", 3, "Leave.", "Employees have 28 days of paid leave a year.", "Unused days can be taken until March 31 of the next year.", "Requests go to the team lead."),
	source("handbook", 7, "Travel.", "Trips by train are booked in second class.", "Hotels may cost up to 140 euros a night.", "Receipts are handed in within four weeks."),
	source("handbook", 9, "Security.", "Passwords have at least 14 characters.", "Lost badges are reported to the front desk at once."),
}

// recorder collects events and holds them against what Event promises.
type recorder struct {
	t       *testing.T
	modes   []chatpdf.AnswerMode
	text    strings.Builder
	cited   map[int]chatpdf.Citation
	events  int
	markers int // in all texts
}

func newRecorder(t *testing.T) *recorder {
	return &recorder{t: t, cited: map[int]chatpdf.Citation{}}
}

func (r *recorder) emit(e Event) error {
	r.t.Helper()
	r.events++
	switch {
	case e.Mode != "":
		if r.events != 1 {
			r.t.Errorf("the mode comes as event %d", r.events)
		}
		r.modes = append(r.modes, e.Mode)
	case e.Citation != nil:
		if e.Citation.ID != len(r.cited)+1 {
			r.t.Errorf("citation %d comes after %d others", e.Citation.ID, len(r.cited))
		}
		r.cited[e.Citation.ID] = *e.Citation
	case e.Text != "":
		for _, m := range markersIn(e.Text) {
			if _, ok := r.cited[m]; !ok {
				r.t.Errorf("marker [%d] comes before its citation", m)
			}
		}
		r.text.WriteString(e.Text)
		r.markers += len(markersIn(e.Text))
		if whole := len(markersIn(r.text.String())); whole != r.markers {
			r.t.Errorf("%q completes a marker that came in pieces", e.Text)
		}
	default:
		r.t.Error("empty event")
	}
	return nil
}

var wholeMarker = regexp.MustCompile(`\[(\d+)\]`)

func markersIn(text string) []int {
	var all []int
	for _, m := range wholeMarker.FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			n = -1 // too large for any citation
		}
		all = append(all, n)
	}
	return all
}

// check holds a finished answer against its events and itself.
func (r *recorder) check(a chatpdf.Answer, sources []Source) {
	r.t.Helper()
	if r.text.String() != a.Text || len(r.modes) != 1 || r.modes[0] != a.Mode {
		r.t.Errorf("events gave %q (%v), the answer is %q (%s)", r.text.String(), r.modes, a.Text, a.Mode)
	}
	checkAnswer(r.t, a, sources)
}

// checkAnswer wants every marker to have a citation, every citation a marker, and its words in its source.
func checkAnswer(t *testing.T, a chatpdf.Answer, sources []Source) {
	t.Helper()
	used := map[int]bool{}
	for _, m := range markersIn(a.Text) {
		used[m] = true
		if m < 1 || m > len(a.Citations) {
			t.Errorf("marker [%d] has no citation in %q", m, a.Text)
		}
	}
	for i, c := range a.Citations {
		if c.ID != i+1 || !used[c.ID] || c.Quote == "" || len(c.Rects) == 0 {
			t.Errorf("citation %+v is %d. in the list, used %v", c, i+1, used[c.ID])
		}
		found := false
		for _, s := range sources {
			p := s.Passage
			found = found || p.Document == c.Document && s.DocumentName == c.DocumentName && p.Page == c.Page &&
				c.Start >= p.Start && c.End <= p.End && p.Text[c.Start-p.Start:c.End-p.Start] == c.Quote
		}
		if !found {
			t.Errorf("citation %+v stands in no source", c)
		}
	}
}

// search finds the sources of a question as the backend does.
func search(question string, sources []Source) []Source {
	builder := retrieve.NewBuilder("d")
	for i, s := range sources {
		p := s.Passage
		p.Ordinal = i
		builder.Add(p)
	}
	var found []Source
	for _, h := range retrieve.Search([]*retrieve.Index{builder.Index()}, retrieve.Query{Text: question, Limit: 12}) {
		found = append(found, sources[h.Ordinal])
	}
	return found
}
