package pdf

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSentencesEndWhereReadersSeeTheEnd(t *testing.T) {
	for name, want := range map[string][]string{
		"plain":               {"It rained.", "We stayed in!", "Would you?", "Yes."},
		"abbreviations":       {"Dr. Smith met Mrs. Jones, e.g. on Jan. 5, at No. 7 (see Fig. 3 and Sec. 2.1).", "They talked."},
		"initials":            {"J. R. R. Tolkien and C.S. Lewis were friends.", "Both taught."},
		"companies":           {"Apple Inc. sold it to Acme Corp. Germany in May.", "Then came Acme Corp.", "The board agreed."},
		"countries":           {"He lives in the U.S. and works for U.S. Steel.", "She left the U.S.", "In May she returned."},
		"decimals":            {"Revenue rose 3.5% to $1,234.56 million.", "Margin was .5 points lower."},
		"addresses":           {"See www.example.com/a.b or mail info@example.com.", "We answer."},
		"quotes":              {"“It works.”", "She said: “Done!”", "(He agreed.)", "Then they left."},
		"ellipsis":            {"He hesitated... then went on.", "Why?!", "Nobody knows…"},
		"number of a heading": {"2.1. Our products are good.", "They sell."},
		"label of a heading":  {"Item 1A. Risk Factors"},
		"label in a sentence": {"This is explained in Note 4.", "Leases are in Note 5."},
		"letter of an item":   {"(a) Item one is here.", "It is good."},
		"no as an answer":     {"The answer is no.", "We know it.", "She loves art.", "He wrote the app.", "It ran."},
		"lower case after it": {"The file etc. is in lib. and more."},
		"numbers begin":       {"It ended in 2019.", "2020 was better."},
		"German":              {"Das gilt z.B. auch hier, vgl. Abs. 5 oder ggf. Abs. 6.", "Ende."},
		"no terminator":       {"Total revenues $66,608 $62,286"},
		"Chinese":             {"这是第一句话。", "第二句呢？", "有！"},
	} {
		t.Run(name, func(t *testing.T) {
			separator := " "
			if name == "Chinese" {
				separator = ""
			}
			text := strings.Join(want, separator)
			var got []string
			for _, s := range splitSentences(text) {
				got = append(got, text[s.start:s.end])
			}
			if !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

func TestLongSentencesAreDividedAtTheBestPlace(t *testing.T) {
	for name, unit := range map[string]string{
		"clauses":   "one two three, four five; ",
		"commas":    "one two three, four five, ",
		"words":     "one two three four five ",
		"no spaces": "onetwothreefourfive",
		"Chinese":   "一二三四五",
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Repeat(unit, 200)
			spans := splitSentences(text)
			checkSpans(t, text, spans)
			if len(spans) < len(text)/maxSentence {
				t.Fatalf("%d pieces of %d bytes", len(spans), len(text))
			}
			first := text[spans[0].start:spans[0].end]
			if mark := map[string]string{"clauses": ";", "commas": ",", "words": ""}[name]; !strings.HasSuffix(first, mark) {
				t.Errorf("first piece ends with %q, want %q", first[len(first)-5:], mark)
			}
		})
	}
}

// checkSpans wants spans in order, on characters, no longer than allowed, with only spaces between them.
func checkSpans(t *testing.T, text string, spans []span) {
	t.Helper()
	end := 0
	for _, s := range spans {
		if s.start < end || s.end <= s.start || s.end > len(text) || s.end-s.start > maxSentence {
			t.Fatalf("span %v after %d in %d bytes", s, end, len(text))
		}
		if strings.Trim(text[end:s.start], " \n") != "" {
			t.Fatalf("%q belongs to no sentence", text[end:s.start])
		}
		if piece := text[s.start:s.end]; utf8.ValidString(text) && !utf8.ValidString(piece) {
			t.Fatalf("%q cuts a character", piece)
		}
		end = s.end
	}
	if strings.Trim(text[end:], " \n") != "" {
		t.Fatalf("%q belongs to no sentence", text[end:])
	}
}

func FuzzSentencesCoverTheText(f *testing.F) {
	for _, s := range []string{"", ".", "A. B. C.", "1.1. x", "z.B. 3.5 Mio.", "…。！？”", "He said \"no.\" Then left.", strings.Repeat("a", 700), strings.Repeat("é", 400), "\xff\xfe. A"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "?")
		checkSpans(t, text, splitSentences(text))
	})
}
