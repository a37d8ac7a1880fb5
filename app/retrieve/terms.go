package retrieve

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kljensen/snowball/english"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

var (
	// stopWords carry no meaning for a search; the list is the usual one of English search engines.
	stopWords = set(`a an and are as at be but by for if in into is it no not of on or such that the their then
		there these they this to was will with`)
	// questionWords make a question of a search. In prose they are rare enough to look meaningful.
	questionWords = set(`what which who whom whose when where why how do does did has have had can could would
		should may might me my you your i we our us any please tell answer question following give were been
		from about must shall need`)
	// howWords belong to the question behind "how" and mean something elsewhere: "long-term debt".
	howWords = set(`long many much far often old big large high tall fast soon deep wide heavy dear expensive`)
)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

// QuestionTerms gives each term of a question once, in order, without what only makes it a question.
// A question of nothing else gives the terms it has.
func QuestionTerms(question string) []string {
	var asked, all []string
	previous := ""
	eachToken(question, func(token string) {
		how := previous == "how" && howWords[token]
		previous = token
		t := stem(token)
		if t == "" || slices.Contains(all, t) {
			return
		}
		all = append(all, t)
		if !questionWords[token] && !how {
			asked = append(asked, t)
		}
	})
	if len(asked) == 0 {
		return all
	}
	return asked
}

// Terms gives the search terms of a text in order: folded in case and accents, English words by their
// stem, without the commonest words. Numbers stay whole ("25,867" is "25867", "1.5" is "1.5"), a mixture
// gives itself and its longer parts ("FY2022" is "fy2022" and "2022"), and scripts without spaces give
// overlapping pairs of characters.
func Terms(text string) []string {
	var terms []string
	eachToken(text, func(token string) {
		if t := stem(token); t != "" {
			terms = append(terms, t)
		}
	})
	return terms
}

// stem gives the term of a token, empty for a stop word.
func stem(token string) string {
	if stopWords[token] {
		return ""
	}
	for i := range len(token) {
		if token[i] < 'a' || token[i] > 'z' {
			return token
		}
	}
	return english.Stem(token, false)
}

// maxToken is how many bytes of a run of letters count; what is longer is no word.
const maxToken = 64

// eachToken calls yield with every token of a text, folded and not yet stemmed.
func eachToken(text string, yield func(string)) {
	text = fold(text)
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case isUnspaced(r):
			i = eachPair(text, i, yield)
		case unicode.IsDigit(r) || unicode.IsLetter(r):
			end := tokenEnd(text, i)
			splitToken(text[i:end], yield)
			i = end
		default:
			i += size
		}
	}
}

// fold brings text to lower case without accents, and compatibility forms to their letters.
func fold(text string) string {
	if isASCII(text) {
		return strings.ToLower(text)
	}
	decomposed := norm.NFKD.String(text)
	stripped := strings.Map(func(r rune) rune {
		switch {
		case r >= 0x300 && r <= 0x36F:
			return -1
		case r == '’':
			return '\''
		}
		return r
	}, decomposed)
	return cases.Fold().String(norm.NFC.String(stripped))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// tokenEnd finds the end of the token that starts at i: letters, marks and digits, with apostrophes
// between letters and separators between digits.
func tokenEnd(text string, i int) int {
	var last rune
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		inside := (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)) && !isUnspaced(r)
		if !inside {
			next, _ := utf8.DecodeRuneInString(text[i+size:])
			apostrophe := r == '\'' && unicode.IsLetter(last) && unicode.IsLetter(next)
			separator := (r == ',' || r == '.') && unicode.IsDigit(last) && unicode.IsDigit(next)
			if !apostrophe && !separator {
				return i
			}
		}
		last = r
		i += size
	}
	return i
}

// splitToken yields a token without what is only writing, and the parts of a mixture that mean something
// by themselves: of "fy2022" the year, of "q2" nothing.
func splitToken(token string, yield func(string)) {
	token = strings.TrimSuffix(token, "'s")
	token = strings.ReplaceAll(token, "'", "")
	if token == "" || len(token) > maxToken {
		return
	}
	digits := strings.ContainsFunc(token, unicode.IsDigit)
	if digits {
		token = strings.ReplaceAll(token, ",", "")
	}
	yield(token)
	if !digits || !strings.ContainsFunc(token, unicode.IsLetter) {
		return
	}
	part := func(p string) {
		if p = strings.Trim(p, "."); len(p) >= 3 || len(p) == 2 && unicode.IsDigit(rune(p[0])) {
			yield(p)
		}
	}
	start := 0
	for i, r := range token {
		previous, _ := utf8.DecodeLastRuneInString(token[:i])
		if i > 0 && unicode.IsLetter(r) != unicode.IsLetter(previous) {
			part(token[start:i])
			start = i
		}
	}
	part(token[start:])
}

// isUnspaced says that a script writes no spaces between words.
func isUnspaced(r rune) bool {
	return r >= 0x0E00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// eachPair yields the overlapping pairs of a run of unspaced characters, a lone one by itself, and
// returns where the run ends.
func eachPair(text string, start int, yield func(string)) int {
	previous, i := -1, start
	pairs := 0
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if !isUnspaced(r) {
			break
		}
		if previous >= 0 {
			yield(text[previous : i+size])
			pairs++
		}
		previous = i
		i += size
	}
	if pairs == 0 {
		yield(text[start:i])
	}
	return i
}
