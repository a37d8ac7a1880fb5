package frontdoor

import (
	"strings"
	"testing"
)

func TestAnAnswerCountsAsCitedOnlyWithRectanglesOnItsPage(t *testing.T) {
	good := Citation{ID: 1, Page: 2, Quote: "A sentence.", Rects: []Rect{{0.1, 0.1, 0.5, 0.12}}}
	with := func(change func(*Citation)) Answer {
		c := good
		change(&c)
		return Answer{Complete: true, Citations: []Citation{c}}
	}
	document := Document{Pages: 3}
	for _, test := range []struct {
		name   string
		answer Answer
		wrong  string
	}{
		{"good", with(func(*Citation) {}), ""},
		{"broken off", Answer{Citations: []Citation{good}}, "broke off"},
		{"nothing cited", Answer{Complete: true}, "cites nothing"},
		{"page beyond the end", with(func(c *Citation) { c.Page = 4 }), "page 4 of a document of 3"},
		{"page zero", with(func(c *Citation) { c.Page = 0 }), "page 0"},
		{"no quote", with(func(c *Citation) { c.Quote = "" }), "no quote"},
		{"no rectangles", with(func(c *Citation) { c.Rects = nil }), "no rectangles"},
		{"rectangle off the page", with(func(c *Citation) { c.Rects = []Rect{{0.9, 0.1, 1.2, 0.2}} }), "does not lie"},
		{"empty rectangle", with(func(c *Citation) { c.Rects = []Rect{{0.5, 0.1, 0.5, 0.2}} }), "does not lie"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := CheckCited(test.answer, document)
			switch {
			case test.wrong == "" && err != nil:
				t.Fatalf("refused a good answer: %v", err)
			case test.wrong != "" && (err == nil || !strings.Contains(err.Error(), test.wrong)):
				t.Fatalf("got %v, want an error with %q", err, test.wrong)
			}
		})
	}
}
