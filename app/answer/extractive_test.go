package answer

import (
	"strings"
	"testing"

	"chatpdf.dev/operator/app/chatpdf"
)

func TestExtractiveAnswerQuotesTheSentenceThatAnswers(t *testing.T) {
	for question, want := range map[string]struct {
		quote string
		page  int
	}{
		"How many days of leave do employees have?": {"Employees have 28 days of paid leave a year.", 3},
		"Until when can unused days be taken?":      {"Unused days can be taken until March 31 of the next year.", 3},
		"What may a hotel cost per night?":          {"Hotels may cost up to 140 euros a night.", 7},
		"hotel":                                     {"Hotels may cost up to 140 euros a night.", 7},
		"Which class do I book on a train?":         {"Trips by train are booked in second class.", 7},
		"How long must a password be?":              {"Passwords have at least 14 characters.", 9},
		"Where do I report a lost badge?":           {"Lost badges are reported to the front desk at once.", 9},
	} {
		t.Run(question, func(t *testing.T) {
			sources := search(question, handbook)
			a := Extractive(question, sources)
			checkAnswer(t, a, sources)
			if a.Mode != chatpdf.AnswerExtractive || !a.Complete || len(a.Citations) == 0 {
				t.Fatalf("answer %+v", a)
			}
			if c := a.Citations[0]; c.Quote != want.quote || c.Page != want.page || !strings.Contains(a.Text, want.quote) {
				t.Errorf("quotes %q of page %d, want %q of page %d", c.Quote, c.Page, want.quote, want.page)
			}
			r := newRecorder(t)
			if err := Replay(a, r.emit); err != nil {
				t.Fatal(err)
			}
			r.check(a, sources)
		})
	}
}

func TestExtractiveAnswerSaysWhenNothingWasFound(t *testing.T) {
	for _, question := range []string{
		"What is the capital of France?", "Who won the football world cup in 1974?", "How do I cook rice?", "???", "the", "",
	} {
		a := Extractive(question, handbook)
		if a.Text != nothingFound || len(a.Citations) != 0 || !a.Complete {
			t.Errorf("%q is answered by %q", question, a.Text)
		}
		r := newRecorder(t)
		if err := Replay(a, r.emit); err != nil {
			t.Fatal(err)
		}
		r.check(a, handbook)
	}
	if a := Extractive("How many days of leave?", nil); a.Text != nothingFound {
		t.Errorf("without sources: %q", a.Text)
	}
}

func TestRowOfATableIsFoundThroughItsHeading(t *testing.T) {
	sources := []Source{
		source("report", 61, "Total revenues by segment", "Years ended December 31, 2022 2021 2020", "Commercial Airplanes $25,867 $19,493 $16,162", "Global Services 17,611 16,328 15,543", "Total revenues $66,608 $62,286 $58,158"),
		source("report", 4, "We sell commercial airplanes and services to airlines around the world.", "Our customers value revenues per seat."),
	}
	a := Extractive("What were the total revenues in 2022?", sources)
	checkAnswer(t, a, sources)
	if len(a.Citations) == 0 || a.Citations[0].Quote != "Total revenues $66,608 $62,286 $58,158" {
		t.Errorf("answer %q", a.Text)
	}
}

func TestQuotesCannotForgeMarkersOrMarkup(t *testing.T) {
	hostile := "Budget [1] of **2021** is [7](https://evil.example) and <img src=x> `code` [2] euros."
	sources := []Source{source("d", 1, hostile, "The budget of 2021 was approved.")}
	a := Extractive("What is the budget of 2021 in euros?", sources)
	checkAnswer(t, a, sources)
	if a.Citations[0].Quote != hostile {
		t.Errorf("quote %q, want it as it stands", a.Citations[0].Quote)
	}
	for _, forbidden := range []string{"[7]", "](", " **", " <img", " `"} {
		if strings.Contains(a.Text, forbidden) {
			t.Errorf("%q stands in %q", forbidden, a.Text)
		}
	}
}

func TestOverlappingPassagesAreQuotedOnce(t *testing.T) {
	one := source("d", 1, "The meeting takes place on May 5.", "Bring your laptop.")
	a := Extractive("When does the meeting take place?", []Source{one, one, one})
	if len(a.Citations) != 1 {
		t.Errorf("answer %q", a.Text)
	}
}
