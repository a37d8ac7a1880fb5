package pdf

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// pageText is normalised text that knows which glyph each of its bytes comes from.
type pageText struct {
	text   []byte
	origin []int32 // glyph of each byte; -1 for what was put in between
	blocks []span  // one for each block, without the line feeds between them
}

// span is bytes [start, end).
type span struct{ start, end int }

// writeText writes the blocks of a page as one text: single spaces, divided words joined, ligatures
// spelled out, a line feed between blocks.
func writeText(glyphs []glyph, blocks []block) pageText {
	compounds := findCompounds(glyphs)
	var t pageText
	for _, b := range blocks {
		start := len(t.text)
		if start > 0 {
			start++
		}
		before := len(t.text)
		if before > 0 {
			t.put(-1, "\n")
		}
		for i, l := range b {
			if i > 0 {
				t.joinLines(glyphs, b[i-1], l, start, compounds)
			}
			t.putLine(glyphs, l, start)
			if i == len(b)-1 && l.hyphenated && !isHyphen(glyphs[l.end-1].r) {
				t.put(int32(l.end-1), "-")
			}
		}
		if len(t.text) <= start {
			t.text, t.origin = t.text[:before], t.origin[:before]
			continue
		}
		t.blocks = append(t.blocks, span{start, len(t.text)})
	}
	return t
}

func (t *pageText) put(origin int32, s string) {
	t.text = append(t.text, s...)
	for range len(s) {
		t.origin = append(t.origin, origin)
	}
}

// putLine appends a line; start is where its block starts.
func (t *pageText) putLine(glyphs []glyph, l line, start int) {
	for i := l.start; i < l.end; i++ {
		r := glyphs[i].r
		if utf16.IsSurrogate(r) && i+1 < l.end {
			if whole := utf16.DecodeRune(r, glyphs[i+1].r); whole != unicode.ReplacementChar {
				t.put(int32(i), string(whole))
				i++
			}
			continue
		}
		s := spell(r)
		if s == " " && (len(t.text) == start || t.text[len(t.text)-1] == ' ') {
			continue
		}
		if (s == "." || s == ",") && (i+1 == l.end || isBlank(glyphs[i+1])) {
			t.closeUp(start)
		}
		t.put(int32(i), s)
	}
	for len(t.text) > start && t.text[len(t.text)-1] == ' ' {
		t.text, t.origin = t.text[:len(t.text)-1], t.origin[:len(t.origin)-1]
	}
}

// closeUp takes away a space between a word and the full stop or comma that comes next: some programs
// write "2016 , 2017 ." for what reads "2016, 2017.".
func (t *pageText) closeUp(start int) {
	n := len(t.text)
	if n < start+2 || t.text[n-1] != ' ' {
		return
	}
	if last, _ := utf8.DecodeLastRune(t.text[start : n-1]); unicode.IsLetter(last) || unicode.IsDigit(last) {
		t.text, t.origin = t.text[:n-1], t.origin[:n-1]
	}
}

// joinLines puts between two lines of a block what belongs there: nothing inside a divided word, nothing
// between Han characters, else a space.
func (t *pageText) joinLines(glyphs []glyph, last, next line, start int, compounds map[string]bool) {
	tail := t.text[start:]
	if len(tail) == 0 {
		return
	}
	end, size := utf8.DecodeLastRune(tail)
	first := glyphs[next.start].r
	if last.hyphenated {
		written := isHyphen(end) // the hyphen stands in the text; PDFium's divider does not
		stem := tail
		if written {
			stem = tail[:len(tail)-size]
		}
		before, _ := utf8.DecodeLastRune(stem)
		divided := unicode.IsLower(before) && unicode.IsLower(first) && !compounds[compound(stem, words(glyphs, next))]
		switch {
		case divided && written:
			t.text, t.origin = t.text[:len(t.text)-size], t.origin[:len(t.origin)-size]
			return
		case divided, written && !unicode.IsSpace(before):
			return
		case !written:
			t.put(t.origin[len(t.origin)-1], "-")
			return
		}
	}
	if isUnspaced(end) && isUnspaced(first) {
		return
	}
	t.put(-1, " ")
}

// compound is the hyphenated word that the end of stem and the start of next make, in lower case.
func compound(stem []byte, next string) string {
	i := bytes.LastIndexFunc(stem, func(r rune) bool { return !unicode.IsLetter(r) })
	tail := next
	if j := strings.IndexFunc(next, func(r rune) bool { return !unicode.IsLetter(r) }); j >= 0 {
		tail = next[:j]
	}
	return strings.ToLower(string(stem[i+1:]) + "-" + tail)
}

// findCompounds collects words that are written with a hyphen within a line of the page, so that the
// same word divided at its hyphen keeps it: "long-term" must not become "longterm".
func findCompounds(glyphs []glyph) map[string]bool {
	found := map[string]bool{}
	for i, g := range glyphs {
		if !isHyphen(g.r) {
			continue
		}
		from, to := i, i+1
		for from > 0 && unicode.IsLetter(glyphs[from-1].r) {
			from--
		}
		for to < len(glyphs) && unicode.IsLetter(glyphs[to].r) {
			to++
		}
		if from == i || to == i+1 {
			continue
		}
		var word strings.Builder
		for _, g := range glyphs[from:to] {
			if isHyphen(g.r) {
				word.WriteByte('-')
				continue
			}
			word.WriteRune(unicode.ToLower(g.r))
		}
		found[word.String()] = true
	}
	return found
}

// isUnspaced says that a script writes no spaces between words.
func isUnspaced(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer) ||
		strings.ContainsRune("、。，．：；！？「」『』（）", r)
}

// spell gives the text of a character: a space for all that separates, nothing for what has no text,
// letters for ligatures.
func spell(r rune) string {
	switch {
	case unicode.IsSpace(r):
		return " "
	case r == 0, isDivider(r), unicode.IsControl(r), utf16.IsSurrogate(r), !utf8.ValidRune(r), r&0xFFFE == 0xFFFE:
		return ""
	case r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x2069, r == 0xFEFF:
		return "" // no width; some reorder what a reader sees
	case r >= 0xFB00 && r <= 0xFB06:
		return [...]string{"ff", "fi", "fl", "ffi", "ffl", "st", "st"}[r-0xFB00]
	case r == 0xF0B7, r == 0xF0A7, r == 0xF0D8:
		return "•" // bullets of the Symbol and Wingdings fonts
	case unicode.Is(unicode.Co, r):
		return "" // private use: a shape without known meaning
	}
	return string(r)
}
