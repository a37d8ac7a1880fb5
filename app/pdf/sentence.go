package pdf

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxSentence is how many bytes a sentence has at most. Longer ones (lists in one breath, text without
// full stops) are divided at the best place before it, so that a box never covers half a page.
const maxSentence = 600

// splitSentences cuts the text of one block into sentences. The spans cover everything but the spaces
// between them, in order.
func splitSentences(text string) []span {
	var spans []span
	start := 0
	for start < len(text) {
		end := sentenceEnd(text, start)
		for _, s := range divide(text, span{start, end}) {
			if s = trim(text, s); s.start < s.end {
				spans = append(spans, s)
			}
		}
		start = end
	}
	return spans
}

func trim(text string, s span) span {
	inner := text[s.start:s.end]
	s.start += len(inner) - len(strings.TrimLeft(inner, " \n"))
	s.end -= len(inner) - len(strings.TrimRight(inner, " \n"))
	return span{s.start, max(s.start, s.end)}
}

// sentenceEnd finds where the sentence from start ends: behind its terminator and what closes it.
func sentenceEnd(text string, start int) int {
	for i := start; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if !isTerminator(r) {
			i += size
			continue
		}
		end := i + size
		for end < len(text) {
			c, n := utf8.DecodeRuneInString(text[end:])
			if !isTerminator(c) && !isCloser(c) {
				break
			}
			end += n
		}
		if ends(text, start, i, end, r) {
			return end
		}
		i = end
	}
	return len(text)
}

// ends says whether the terminator at text[at:] with its closers up to end finishes a sentence.
func ends(text string, start, at, end int, terminator rune) bool {
	if strings.ContainsRune("。！？", terminator) || end == len(text) {
		return true
	}
	if text[end] != ' ' {
		return false // 3.14, example.com, U.S.
	}
	next := strings.TrimLeft(text[end:], " ")
	if next == "" {
		return true
	}
	first, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(next, isOpener))
	if unicode.IsLower(first) || strings.ContainsRune(",;:)", first) {
		return false
	}
	if terminator != '.' {
		return true
	}
	return !isAbbreviation(lastWord(text[start:at]), next, strings.TrimSpace(text[start:at]))
}

func isTerminator(r rune) bool { return strings.ContainsRune(".!?…。！？", r) }

func isCloser(r rune) bool { return strings.ContainsRune(`"')]}»”’›」』）`, r) }

func isOpener(r rune) bool { return strings.ContainsRune(`"'([{«“‘‹「『（`, r) }

// endsWithTerminator says whether text, without its closers, ends a sentence.
func endsWithTerminator(text string) bool {
	r, size := utf8.DecodeLastRuneInString(text)
	if !isTerminator(r) {
		return false
	}
	return r != '.' || !isAbbreviation(lastWord(text[:len(text)-size]), "", text)
}

func lastWord(text string) string {
	i := strings.LastIndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || isOpener(r) })
	if i < 0 {
		return text
	}
	_, size := utf8.DecodeRuneInString(text[i:])
	return text[i+size:]
}

// Words before a full stop that does not end a sentence, in lower case without the stop.
var (
	// always continued
	abbreviations = set(`mr mrs ms mx dr prof hon capt lt sgt st mt messrs sen e.g i.e vs cf viz approx ca resp esp
		incl excl ed eds dept univ assoc jan feb mar apr jun jul aug sept oct nov dec z.b bzw vgl usw evtl ggf s.a d.h u.a`)
	// before a number only: "No. 5", but "The answer is no."
	numbered = set(`no nos p pp op art arts item note fig figs eq eqs ref refs sec sect chap ch vol vols app par para
		paras ex tel fax ext min max abs sep`)
	// before a number at the start of a heading: "Item 1. Business"
	labels = set(`item note section chapter part table figure step article appendix exhibit annex rule`)
	// often at the end of a sentence too: continued unless a word follows that starts sentences
	companies = set(`inc corp ltd co llc plc bros jr sr esq etc u.s u.k u.n e.u d.c a.m p.m ph.d n.a s.a`)
	starters  = set(`the a an in on at by for from with as it its this that these those we our they their he she his
		her there when while if although however during under over after before since because to of but and all any
		such each both no not see refer item net total based certain other please you your`)
)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

// isAbbreviation says whether the full stop behind word belongs to the word. next is the text behind it,
// sentence the text before the stop.
func isAbbreviation(word, next, sentence string) bool {
	if strings.Trim(sentence, ".") == strings.Trim(word, ".") && isEnumerator(word+".") {
		return true // "1. Business": the number belongs to what follows
	}
	if label, rest, _ := strings.Cut(sentence, " "); rest == word && labels[strings.ToLower(label)] && len(word) <= 4 {
		return true
	}
	lower := strings.ToLower(word)
	following, _, _ := strings.Cut(next, " ")
	if first, _ := utf8.DecodeRuneInString(following); numbered[lower] {
		return unicode.IsDigit(first)
	}
	if abbreviations[lower] {
		return true
	}
	if companies[lower] || isInitials(word) {
		return !starters[strings.ToLower(strings.TrimRight(following, ",;:"))] && next != ""
	}
	return false
}

// isInitials matches "J", "J.R.R", "U.S.A".
func isInitials(word string) bool {
	for part := range strings.SplitSeq(word, ".") {
		r, size := utf8.DecodeRuneInString(part)
		if size != len(part) || !unicode.IsUpper(r) {
			return false
		}
	}
	return true
}

// isEnumerator matches what numbers a heading or an item: "1.", "2.3", "(a)", "iv)", "B.".
func isEnumerator(word string) bool {
	inner := strings.TrimLeft(word, "(")
	trimmed := strings.TrimRight(inner, ".)")
	if trimmed == "" || len(word) > 8 || trimmed == word {
		return trimmed != "" && strings.Contains(trimmed, ".") && isNumber(trimmed) && len(word) <= 8
	}
	return isNumber(trimmed) || len(trimmed) == 1 && isASCIILetter(trimmed[0]) || strings.Trim(trimmed, "ivx") == ""
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789.") == "" }

func isASCIILetter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

// divide cuts a span into pieces of at most maxSentence bytes, after a semicolon, a comma or a space,
// whichever comes first in this order in the second half of a piece, else between characters.
func divide(text string, s span) []span {
	var pieces []span
	for s.end-s.start > maxSentence {
		cut := cutBefore(text, s.start, s.start+maxSentence)
		pieces = append(pieces, span{s.start, cut})
		s.start = cut
	}
	return append(pieces, s)
}

func cutBefore(text string, start, limit int) int {
	half := start + (limit-start)/2
	for _, mark := range []string{"; ", ", ", " "} {
		if i := strings.LastIndex(text[half:limit], mark); i >= 0 {
			return half + i + len(mark)
		}
	}
	for !utf8.RuneStart(text[limit]) {
		limit--
	}
	return limit
}
