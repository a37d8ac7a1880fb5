package pdf

import (
	"slices"
	"strings"
	"unicode"
)

// block is lines that belong to one paragraph, heading, list item or table row.
type block []line

// findBlocks joins the lines of a page into blocks. PDFium gives lines in reading order and says
// nothing about paragraphs, so geometry and the first and last words have to.
func findBlocks(v view, glyphs []glyph, lines []line) []block {
	spacing := typicalSpacing(lines)
	var blocks []block
	for i, l := range lines {
		if i > 0 {
			last := &blocks[len(blocks)-1]
			if belongs(v, glyphs, *last, l, spacing) {
				*last = append(*last, l)
				continue
			}
		}
		blocks = append(blocks, block{l})
	}
	return blocks
}

// typicalSpacing is the median distance of neighbouring lines in letter heights.
func typicalSpacing(lines []line) float64 {
	var ratios []float64
	for i := 1; i < len(lines); i++ {
		a, b := lines[i-1], lines[i]
		ratio := (b.box.middle() - a.box.middle()) / max(a.size, b.size)
		if a.heading == b.heading && ratio > 0.6 && ratio < 3 {
			ratios = append(ratios, ratio)
		}
	}
	if len(ratios) < 3 {
		return 1.3
	}
	slices.Sort(ratios)
	return max(ratios[len(ratios)/2], 1)
}

// belongs says whether next continues the block.
func belongs(v view, glyphs []glyph, b block, next line, spacing float64) bool {
	last := b[len(b)-1]
	size := max(last.size, next.size)
	if last.heading != next.heading {
		return false
	}
	step := next.box.middle() - last.box.middle()
	if abs(step) < 0.4*size && next.box.x0 > last.box.x1-0.5*size {
		return true // another cell of the same row, or a piece of the same line
	}
	if last.row || next.row || size > 1.5*min(last.size, next.size) || startsBullet(glyphs, next) {
		return false
	}
	below := step > 0 && step < 1.4*spacing*size && next.box.x0 < last.box.x1 && next.box.x1 > last.box.x0
	ended := endsSentence(glyphs, last)
	if !below {
		// The sentence goes on at the top of the next column.
		return !ended && startsLower(glyphs, next) && next.box.y0 < last.box.y0
	}
	if ended && (startsEnumerator(glyphs, next) || indented(b, next, size)) {
		return false
	}
	if last.hyphenated || startsLower(glyphs, next) && !ended {
		return true
	}
	return !wouldFit(v, glyphs, b, next)
}

// wouldFit says that the first word of next had room at the end of the block's last line. Then the
// break before it was made on purpose: a heading, the end of a paragraph, an item of a list.
func wouldFit(v view, glyphs []glyph, b block, next line) bool {
	last := b[len(b)-1]
	right := next.box.x1
	for _, l := range b {
		right = max(right, l.box.x1)
	}
	space := 0.3 * last.size
	return firstWord(v, glyphs, next)+space < right-last.box.x1-0.3*last.size
}

// indented says that next starts to the right or, under a hanging indent, to the left of the block.
func indented(b block, next line, size float64) bool {
	last := b[len(b)-1]
	if next.box.x0 > last.box.x0+0.8*size {
		return true
	}
	return len(b) > 1 && next.box.x0 < last.box.x0-0.8*size
}

func abs(x float64) float64 { return max(x, -x) }

// words gives the characters of a line.
func words(glyphs []glyph, l line) string {
	var s strings.Builder
	for _, g := range glyphs[l.start:l.end] {
		if g.r != 0 {
			s.WriteRune(g.r)
		}
	}
	return s.String()
}

func startsBullet(glyphs []glyph, l line) bool {
	return l.end-l.start > 1 && isBullet(glyphs[l.start].r)
}

func isBullet(r rune) bool {
	return strings.ContainsRune("•◦▪▫■□●○◆◇▶►➢➤✓✔‣⁃∙·\uf0b7\uf0a7\uf0d8", r)
}

func startsLower(glyphs []glyph, l line) bool { return unicode.IsLower(glyphs[l.start].r) }

// endsSentence says whether a line ends like a sentence, looking through closing quotes and brackets.
func endsSentence(glyphs []glyph, l line) bool {
	text := strings.TrimRightFunc(words(glyphs, l), isCloser)
	return strings.HasSuffix(text, ":") || endsWithTerminator(text)
}

// startsEnumerator says whether a line starts like "1.", "2.3", "(a)" or "iv)".
func startsEnumerator(glyphs []glyph, l line) bool {
	first, _, _ := strings.Cut(words(glyphs, l), " ")
	return isEnumerator(first)
}
