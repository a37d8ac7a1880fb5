package pdf

import (
	"slices"
	"unicode"
)

// line is one printed line: glyphs [start, end) of the page without the line break itself. Its box and
// all that compares lines is in the turned frame, in which every line runs to the right.
type line struct {
	start, end int
	heading    direction
	box        box
	size       float64 // points: about the height of its letters with ascender and descender
	row        bool    // cells with wide gaps between them, or dots that lead to a page number
	hyphenated bool    // ends in the middle of a word
}

// A gap this many letter heights wide separates cells of a table; justified prose stays below it.
const cellGap = 2.0

// isDivider knows what PDFium and typesetters write where a word is divided at the end of a line.
func isDivider(r rune) bool { return r == 0x02 || r == 0xFFFE || r == 0x00AD }

func isLineBreak(r rune) bool { return r == '\r' || r == '\n' }

func isHyphen(r rune) bool { return r == '-' || r == 0x2010 }

// findLines cuts the glyphs of a page into lines: where PDFium broke them, where the direction changes,
// and where a glyph stands far above or below the line so far.
func findLines(v view, glyphs []glyph) []line {
	var lines []line
	start, inked := 0, false
	flush := func(end int, hyphenated bool) {
		if l, ok := makeLine(v, glyphs, start, end); ok {
			l.hyphenated = hyphenated || isHyphen(glyphs[l.end-1].r)
			lines = append(lines, l)
		}
		start, inked = end, false
	}
	var reach box // of the line so far, turned
	var heading direction
	for i, g := range glyphs {
		if isLineBreak(g.r) || isDivider(g.r) {
			flush(i, isDivider(g.r))
			start = i + 1
			continue
		}
		if isBlank(g) {
			continue
		}
		b := v.turned(g.box, g.heading)
		switch {
		case !inked:
			reach, heading = b, g.heading
		case g.heading != heading, apart(reach, b):
			flush(i, false)
			reach, heading = b, g.heading
		default:
			reach = reach.union(b)
		}
		inked = true
	}
	flush(len(glyphs), false)
	inReadingOrder(lines)
	return lines
}

// apart says that a glyph does not stand on the line so far. Underscores and quotes do not overlap with
// the letters next to them, so there must be room for another line in between.
func apart(reach, b box) bool {
	room := max(reach.height(), b.height())
	return b.y0-reach.y1 > room || reach.y0-b.y1 > room
}

// inReadingOrder turns round stretches of lines that climb the page: where text or page are rotated by a
// quarter, PDFium gives the last line first.
func inReadingOrder(lines []line) {
	for start := 0; start < len(lines); {
		end, falling := start+1, 0
		for end < len(lines) && lines[end].heading == lines[start].heading {
			a, b := lines[end-1], lines[end]
			switch step := b.box.middle() - a.box.middle(); {
			case step > 0.5*a.size:
				falling++
			case step < -0.5*a.size:
				falling--
			}
			end++
		}
		if falling < 0 {
			slices.Reverse(lines[start:end])
		}
		start = end
	}
}

// isBlank says that a glyph leaves no ink.
func isBlank(g glyph) bool { return g.r == 0 || unicode.IsSpace(g.r) || unicode.IsControl(g.r) }

// makeLine measures glyphs [start, end); without ink among them there is no line.
func makeLine(v view, glyphs []glyph, start, end int) (line, bool) {
	for start < end && isBlank(glyphs[start]) {
		start++
	}
	for start < end && isBlank(glyphs[end-1]) {
		end--
	}
	if start == end {
		return line{}, false
	}
	l := line{start: start, end: end, heading: glyphs[start].heading}
	l.box = v.turned(glyphs[start].box, l.heading)
	heights := make([]float64, 0, end-start)
	for _, g := range glyphs[start:end] {
		if isBlank(g) {
			continue
		}
		b := v.turned(g.box, l.heading)
		l.box = l.box.union(b)
		heights = append(heights, b.height())
	}
	slices.Sort(heights)
	// Nine in ten letters are no taller; one odd glyph (a rule, an integral sign) does not count. A
	// capital is about 3/4 of ascender plus descender, which is what line spacing relates to.
	l.size = max(heights[len(heights)*9/10]*1.3, 1)
	l.row = isRow(v, glyphs[start:end], l)
	return l, true
}

// isRow looks for a wide gap between two glyphs of a line or for dot leaders.
func isRow(v view, glyphs []glyph, l line) bool {
	dots, right := 0, l.box.x0
	for _, g := range glyphs {
		if isBlank(g) {
			continue
		}
		b := v.turned(g.box, l.heading)
		if b.x0-right > cellGap*l.size {
			return true
		}
		right = max(right, b.x1)
		if g.r != '.' && g.r != '·' && g.r != '…' {
			dots = 0
			continue
		}
		if dots++; dots >= 6 {
			return true
		}
	}
	return false
}

// firstWord is the width of a line's first word.
func firstWord(v view, glyphs []glyph, l line) float64 {
	right := l.box.x0
	for _, g := range glyphs[l.start:l.end] {
		if isBlank(g) {
			break
		}
		right = max(right, v.turned(g.box, l.heading).x1)
	}
	return right - l.box.x0
}
