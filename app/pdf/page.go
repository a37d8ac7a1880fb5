package pdf

import (
	"slices"

	"chatpdf.dev/operator/app/chatpdf"
)

// layPage turns the glyphs of a page into a domain page: text, sentences and where they stand.
func layPage(number int, v view, glyphs []glyph) chatpdf.Page {
	glyphs = slices.DeleteFunc(glyphs, func(g glyph) bool { return !isBlank(g) && !v.visible(g.box) })
	lines := findLines(v, glyphs)
	text := writeText(glyphs, findBlocks(v, glyphs, lines))
	page := chatpdf.Page{Number: number, Width: float32(v.width), Height: float32(v.height), Text: string(text.text)}
	boxes := boxer{view: v, glyphs: glyphs, lineOf: lineIndex(len(glyphs), lines)}
	for _, b := range text.blocks {
		for _, s := range splitSentences(page.Text[b.start:b.end]) {
			sentence := chatpdf.Sentence{Start: b.start + s.start, End: b.start + s.end}
			sentence.Rects = boxes.rects(text.origin[sentence.Start:sentence.End])
			if len(sentence.Rects) > 0 {
				page.Sentences = append(page.Sentences, sentence)
			}
		}
	}
	return page
}

// lineIndex gives for each glyph the line it stands on.
func lineIndex(glyphs int, lines []line) []int32 {
	index := make([]int32, glyphs)
	for i, l := range lines {
		for k := l.start; k < l.end; k++ {
			index[k] = int32(i)
		}
	}
	return index
}

// boxer finds the rectangles around glyphs.
type boxer struct {
	view   view
	glyphs []glyph
	lineOf []int32
}

// rects gives one rectangle a line around the glyphs named, in the order of the text.
func (b *boxer) rects(origin []int32) []chatpdf.Rect {
	var rects []chatpdf.Rect
	var current box
	line, last := int32(-1), int32(-1)
	flush := func() {
		if line >= 0 {
			rects = append(rects, b.fraction(current))
		}
	}
	for _, o := range origin {
		if o < 0 || o == last || isBlank(b.glyphs[o]) {
			continue
		}
		last = o
		if b.lineOf[o] != line {
			flush()
			line, current = b.lineOf[o], b.glyphs[o].box
			continue
		}
		current = current.union(b.glyphs[o].box)
	}
	flush()
	return rects
}

// fraction turns a box in points into fractions of the page, inside the page and never empty.
func (b *boxer) fraction(x box) chatpdf.Rect {
	const least = 0.5 // points; fonts without metrics have boxes without size
	if x.width() < least {
		x.x0, x.x1 = x.x0-least/2, x.x1+least/2
	}
	if x.height() < least {
		x.y0, x.y1 = x.y0-least/2, x.y1+least/2
	}
	clamp := func(v, size float64) float32 { return float32(min(max(v/size, 0), 1)) }
	return chatpdf.Rect{
		X0: clamp(x.x0, b.view.width), Y0: clamp(x.y0, b.view.height),
		X1: clamp(x.x1, b.view.width), Y1: clamp(x.y1, b.view.height),
	}
}
