package pdf

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"chatpdf.dev/operator/app/answer"
	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/pdf/pdftest"
	"chatpdf.dev/operator/app/retrieve"
)

// fact is a sentence planted in a document, with a question that only it answers.
type fact struct {
	page     int // from 1
	y        float64
	sentence string
	question string
}

var (
	cities = []string{"Aachen", "Bergen", "Cork", "Delft", "Evora", "Faro", "Ghent", "Halle", "Izmir", "Jena", "Kassel", "Lille"}
	things = []string{"warehouse", "laboratory", "call center", "training center", "repair shop", "data center"}
)

// plantedBook is a document of 72 pages of boilerplate that differ in little more than the year, each
// with one fact in the same words as all the others: only place and kind tell them apart.
func plantedBook() ([]byte, []fact) {
	boilerplate := strings.Fields(strings.Repeat("The company reports on its sites in the usual form. Employees work at many sites and the number of sites changes from year to year. Costs of sites are part of the operating expenses. ", 6))
	var pages []pdftest.Page
	var facts []fact
	for i := range len(cities) * len(things) {
		city, thing := cities[i%len(cities)], things[i/len(cities)]
		lines := []string{fmt.Sprintf("Annual report %d, part %d", 2000+i%20, i)}
		words := boilerplate
		for len(words) > 0 {
			lines = append(lines, strings.Join(words[:min(12, len(words))], " "))
			words = words[min(12, len(words)):]
		}
		f := fact{
			page:     i + 1,
			y:        700 - 13*float64(7+i%10) - 20,
			sentence: fmt.Sprintf("The %s in %s employs %d people.", thing, city, 100+7*i),
			question: fmt.Sprintf("How many people work in the %s in %s?", thing, city),
		}
		facts = append(facts, f)
		before := 7 + i%10
		texts := slices.Concat(
			pdftest.Lines(60, 700, 10, 13, pdftest.Serif, lines[:before]...),
			[]pdftest.Text{{X: 60, Y: f.y, Size: 10, Font: pdftest.Serif, S: f.sentence}},
			pdftest.Lines(60, f.y-33, 10, 13, pdftest.Serif, lines[before:]...))
		pages = append(pages, pdftest.Page{Texts: texts, Rotate: 180 * (i % 2)})
	}
	return pdftest.Write(pages...), facts
}

// TestPlantedFactsAreCitedWhereTheyStand goes the whole way from bytes to a cited answer: the first
// citation must be the planted sentence, on its page, boxed on its line.
func TestPlantedFactsAreCitedWhereTheyStand(t *testing.T) {
	data, facts := plantedBook()
	builder := retrieve.NewBuilder("book")
	var passages []chatpdf.Passage
	for _, p := range mustExtract(t, data) {
		for _, passage := range retrieve.Passages("book", p, len(passages)) {
			passages = append(passages, passage)
			builder.Add(passage)
		}
	}
	indexes := []*retrieve.Index{builder.Index()}
	recalled, cited := 0, 0
	for _, f := range facts {
		hits := retrieve.Search(indexes, retrieve.Query{Text: f.question, Limit: 12})
		var sources []answer.Source
		pages := map[int]bool{}
		for _, h := range hits {
			sources = append(sources, answer.Source{Passage: passages[h.Ordinal], DocumentName: "Book.pdf"})
			if len(pages) < 5 {
				pages[passages[h.Ordinal].Page] = true
			}
		}
		if pages[f.page] {
			recalled++
		}
		a := answer.Extractive(f.question, sources)
		if len(a.Citations) == 0 || a.Citations[0].Quote != f.sentence {
			t.Logf("%q is answered by %q", f.question, a.Text)
			continue
		}
		cited++
		c := a.Citations[0]
		if c.Page != f.page || len(c.Rects) != 1 {
			t.Errorf("%q is cited from page %d with %d rectangles, it stands on page %d", f.sentence, c.Page, len(c.Rects), f.page)
		}
		baseline := f.y / 792
		if (f.page-1)%2 == 0 {
			baseline = 1 - baseline
		}
		if r := c.Rects[0]; float64(r.Y0) > baseline+0.001 || float64(r.Y1) < baseline-0.001 || r.Y1-r.Y0 > 0.02 {
			t.Errorf("%q is boxed at %+v, its baseline is at %.3f", f.sentence, r, baseline)
		}
	}
	t.Logf("page recall at 5: %d of %d; cited first: %d of %d", recalled, len(facts), cited, len(facts))
	if recalled != len(facts) || cited != len(facts) {
		t.Errorf("page recall at 5: %d, cited first: %d, want %d", recalled, cited, len(facts))
	}
}
