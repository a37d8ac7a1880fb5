package answer

import (
	"chatpdf.dev/operator/app/chatpdf"
)

// sentence is one citable sentence of the sources.
type sentence struct {
	citation chatpdf.Citation // without ID
	source   int              // position of its first source
	index    int              // position in the passage of that source
}

// sentencesOf lists the sentences of the sources in order, each place once: passages overlap.
func sentencesOf(sources []Source) []sentence {
	type place struct {
		document   chatpdf.DocumentID
		page       int
		start, end int
	}
	seen := map[place]bool{}
	var all []sentence
	for i, source := range sources {
		p := source.Passage
		for k, s := range p.Sentences {
			at := place{p.Document, p.Page, s.Start, s.End}
			start, end := s.Start-p.Start, s.End-p.Start
			if seen[at] || start < 0 || end > len(p.Text) || start >= end {
				continue
			}
			seen[at] = true
			all = append(all, sentence{source: i, index: k, citation: chatpdf.Citation{
				Document:     p.Document,
				DocumentName: source.DocumentName,
				Page:         p.Page,
				Start:        s.Start,
				End:          s.End,
				Quote:        p.Text[start:end],
				Rects:        s.Rects,
			}})
		}
	}
	return all
}
