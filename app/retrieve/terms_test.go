package retrieve

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTerms(t *testing.T) {
	for text, want := range map[string]string{
		"The quick Foxes were running": "quick fox were run",
		"Revenue: $25,867.50 (8.2%)":   "revenu 25867.50 8.2",
		"FY2022, Q2 and COVID19":       "fy2022 2022 q2 covid19 covid 19",
		"Boeing’s rock'n'roll isn't":   "boe rocknrol isnt",
		"Résumé naïve ÄRGER Straße":    "resum naiv arger strass",
		"ﬁrst ﬂow Ａ１":                  "first flow a1",
		"10-K and e-mail":              "10 k e mail",
		"数据库查询 SQL":                    "数据 据库 库查 查询 sql",
		"字":                            "字",
		"Привет, мир":                  "привет мир",
		"हिन्दी भाषा":                  "हिन्दी भाषा",
		"end. Start":                   "end start",
		"":                             "",
		strings.Repeat("x", 65) + " y": "y",
	} {
		if got := strings.Join(Terms(text), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestQuestionTermsLeaveTheQuestionOut(t *testing.T) {
	for question, want := range map[string]string{
		"How many days of leave do we have?":  "day leav",
		"What is long-term debt, long term?":  "long term debt",
		"How long is the term?":               "term",
		"What about this?":                    "what about",
		"Please tell me: revenue or Revenue?": "revenu",
	} {
		if got := strings.Join(QuestionTerms(question), " "); got != want {
			t.Errorf("%q: %q, want %q", question, got, want)
		}
	}
}

func FuzzTermsAreWords(f *testing.F) {
	for _, s := range []string{"FY2022's 1,000.5", "數a據1庫", "'''", "1.a.2", "e\u0301\u0301", "\xff", "ǅ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, term := range Terms(text) {
			if term == "" || len(term) > 4*maxToken || strings.ContainsAny(term, " \n,") || utf8.ValidString(text) && !utf8.ValidString(term) {
				t.Errorf("term %q of %q", term, text)
			}
		}
		if unique := QuestionTerms(text); len(slices.Compact(slices.Sorted(slices.Values(unique)))) != len(unique) {
			t.Errorf("%q has a term twice: %q", text, unique)
		}
	})
}
