package retrieve

import (
	"strings"
	"testing"
	"unicode/utf8"

	"chatpdf.dev/operator/app/chatpdf"
)

// page makes a page of sentences of the given lengths in characters.
func page(letter string, lengths ...int) chatpdf.Page {
	p := chatpdf.Page{Number: 4}
	for i, n := range lengths {
		if i > 0 {
			p.Text += " "
		}
		start := len(p.Text)
		p.Text += strings.Repeat(letter, n)
		p.Sentences = append(p.Sentences, chatpdf.Sentence{Start: start, End: len(p.Text)})
	}
	return p
}

func repeated(length, n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = length
	}
	return all
}

func TestPassagesCoverAPageAndOverlapByASentence(t *testing.T) {
	for name, c := range map[string]struct {
		page     chatpdf.Page
		passages int
		overlap  bool
	}{
		"empty":                   {page("x"), 0, false},
		"one sentence":            {page("x", 50), 1, false},
		"short page":              {page("x", repeated(100, 9)...), 1, false},
		"slightly longer page":    {page("x", repeated(100, 11)...), 1, false},
		"long page":               {page("x", repeated(100, 40)...), 6, true},
		"characters of two bytes": {page("é", repeated(100, 9)...), 1, false},
		"long sentences":          {page("x", repeated(600, 5)...), 5, false},
		"one giant":               {page("x", 50, 5000, 50), 3, false},
	} {
		t.Run(name, func(t *testing.T) {
			passages := Passages("d", c.page, 7)
			if len(passages) != c.passages {
				t.Errorf("%d passages, want %d", len(passages), c.passages)
			}
			covered := map[int]int{}
			for i, p := range passages {
				if p.Ordinal != 7+i || p.Page != 4 || p.Document != "d" || p.Text != c.page.Text[p.Start:p.End] || p.Vector != nil {
					t.Errorf("passage %+v", p)
				}
				if n := utf8.RuneCountInString(p.Text); n > largestPassage && len(p.Sentences) > 1 {
					t.Errorf("passage of %d characters", n)
				}
				if p.Sentences[0].Start != p.Start || p.Sentences[len(p.Sentences)-1].End != p.End {
					t.Errorf("sentences %v do not fill [%d, %d)", p.Sentences, p.Start, p.End)
				}
				for _, s := range p.Sentences {
					covered[s.Start]++
				}
			}
			twice := 0
			for _, s := range c.page.Sentences {
				if covered[s.Start] == 0 || covered[s.Start] > 2 {
					t.Errorf("sentence at %d is in %d passages", s.Start, covered[s.Start])
				}
				if covered[s.Start] == 2 {
					twice++
				}
			}
			if want := map[bool]int{true: len(passages) - 1}[c.overlap]; twice != want {
				t.Errorf("%d sentences are in two passages, want %d", twice, want)
			}
		})
	}
}
