package main

import (
	"fmt"
	"html"
	"io"
)

// Measures of the picture in pixels.
const (
	boxWidth   = 232
	boxHeight  = 76
	dataHeight = 44
	columnStep = 310
	rowStep    = 186
	dataStep   = 56
	margin     = 28
)

var fills = map[string]string{
	"": "#fff7e6", "Service": "#e8f1fd", "Deployment": "#e7f6ec", "StatefulSet": "#e7f6ec", "CronJob": "#e7f6ec", "Secret": "#f4eefb", "PersistentVolumeClaim": "#fdeeee",
}

// draw writes the graph as SVG.
func draw(out io.Writer, g graph) {
	height := 0
	for _, n := range g.nodes {
		height = max(height, top(n)+tall(n))
	}
	width := margin*2 + columnStep*(columns-1) + boxWidth
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" role="img" aria-label="The objects of one ChatPDFDeployment and what ties them">`+"\n", width, height+margin)
	fmt.Fprintf(out, `<rect width="100%%" height="100%%" rx="12" fill="#ffffff"/>`+"\n")
	fmt.Fprintln(out, `<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#6b7785"/></marker></defs>`)
	places := map[string]node{}
	for _, n := range g.nodes {
		places[n.id] = n
	}
	for _, e := range g.edges {
		line(out, places[e.from], places[e.to], e.label)
	}
	for _, n := range g.nodes {
		box(out, n)
	}
	fmt.Fprintln(out, "</svg>")
}

func left(n node) int { return margin + n.column*columnStep }

func top(n node) int {
	if n.column == columnData {
		return margin + n.row*dataStep
	}
	return margin + n.row*rowStep
}

// tall is the height of a box: what only holds data has a kind and a name.
func tall(n node) int {
	if n.column == columnData {
		return dataHeight
	}
	return boxHeight
}

func box(out io.Writer, n node) {
	x, y := left(n), top(n)
	fmt.Fprintf(out, `<g><rect x="%d" y="%d" width="%d" height="%d" rx="8" fill="%s" stroke="#b9c2cc"/>`, x, y, boxWidth, tall(n), fills[n.kind])
	text := func(dy int, size int, weight, colour, words string) {
		fmt.Fprintf(out, `<text x="%d" y="%d" font-size="%d" font-weight="%s" fill="%s">%s</text>`, x+12, y+dy, size, weight, colour, html.EscapeString(words))
	}
	text(18, 11, "400", "#5a6672", n.kind)
	text(36, 14, "600", "#1a1d21", n.name)
	for i, note := range n.notes[:min(2, len(n.notes))] {
		text(52+14*i, 11, "400", "#3c4650", note)
	}
	fmt.Fprintln(out, "</g>")
}

// line leaves and enters boxes at the sides that face each other.
func line(out io.Writer, from, to node, label string) {
	x1, y1 := left(from)+boxWidth, top(from)+tall(from)/2
	x2, y2 := left(to), top(to)+tall(to)/2
	if from.column > to.column {
		// A call goes back to the left: below the middle, where no other line arrives.
		x1, y1 = left(from), y1+20
		x2, y2 = left(to)+boxWidth, y2-20
	}
	bend := (x2 - x1) / 2
	fmt.Fprintf(out, `<path d="M%d %d C%d %d %d %d %d %d" fill="none" stroke="#8b97a3" stroke-width="1.4" marker-end="url(#tip)"/>`+"\n", x1, y1, x1+bend, y1, x2-bend, y2, x2, y2)
	if label != "" {
		fmt.Fprintf(out, `<text x="%d" y="%d" font-size="11" fill="#5a6672">%s</text>`+"\n", (x1+x2)/2-24, (y1+y2)/2-8, html.EscapeString(label))
	}
}
