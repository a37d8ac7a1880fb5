package retrieve

import (
	"maps"
	"slices"

	"chatpdf.dev/operator/app/chatpdf"
)

// Index is the searchable form of one document's passages: an inverted index and, where passages have
// them, vectors. It is immutable.
type Index struct {
	document chatpdf.DocumentID
	ordinals []int32   // of each passage
	lengths  []int32   // terms in each passage
	total    int64     // terms in all passages
	terms    []string  // sorted
	starts   []int32   // postings of terms[i] are postings[starts[i]:starts[i+1]]
	postings []posting // by passage
	dims     int
	vectors  []float32 // one after the other
	owners   []int32   // passage of each vector
}

// posting says how often a term occurs in a passage (its position in Index.ordinals).
type posting struct {
	passage, count int32
}

// Document is the document that was indexed.
func (ix *Index) Document() chatpdf.DocumentID { return ix.document }

// Size is about how many bytes the index occupies.
func (ix *Index) Size() int64 {
	size := int64(256 + 8*len(ix.ordinals) + 20*len(ix.terms) + 8*len(ix.postings) + 4*len(ix.vectors) + 4*len(ix.owners))
	for _, t := range ix.terms {
		size += int64(len(t))
	}
	return size
}

// find gives the postings of a term.
func (ix *Index) find(term string) []posting {
	i, ok := slices.BinarySearch(ix.terms, term)
	if !ok {
		return nil
	}
	return ix.postings[ix.starts[i]:ix.starts[i+1]]
}

// Builder collects the passages of one document into an Index.
type Builder struct {
	index    *Index
	postings map[string][]posting
	stems    map[string]string // of tokens seen: words repeat, stemming is slow
}

// NewBuilder starts the index of a document.
func NewBuilder(document chatpdf.DocumentID) *Builder {
	return &Builder{index: &Index{document: document}, postings: map[string][]posting{}, stems: map[string]string{}}
}

// Add takes in one passage (its Ordinal, Text and Vector; nothing of it is kept otherwise). Passages of
// a document may come in any order. A vector whose length differs from the earlier ones is left out of
// vector search (it was made by another model); the passage still answers keyword searches.
func (b *Builder) Add(p chatpdf.Passage) {
	passage := int32(len(b.index.ordinals))
	length := int32(0)
	eachToken(p.Text, func(token string) {
		term, seen := b.stems[token]
		if !seen {
			term = stem(token)
			b.stems[token] = term
		}
		if term == "" {
			return
		}
		length++
		list := b.postings[term]
		if n := len(list); n > 0 && list[n-1].passage == passage {
			list[n-1].count++
			return
		}
		b.postings[term] = append(list, posting{passage: passage, count: 1})
	})
	b.index.ordinals = append(b.index.ordinals, int32(p.Ordinal))
	b.index.lengths = append(b.index.lengths, length)
	b.index.total += int64(length)
	if b.index.dims == 0 {
		b.index.dims = len(p.Vector)
	}
	if len(p.Vector) > 0 && len(p.Vector) == b.index.dims {
		b.index.vectors = append(b.index.vectors, p.Vector...)
		b.index.owners = append(b.index.owners, passage)
	}
}

// Index ends the collection; the builder must not be used afterwards.
func (b *Builder) Index() *Index {
	ix := b.index
	ix.terms = slices.Sorted(maps.Keys(b.postings))
	ix.starts = make([]int32, 0, len(ix.terms)+1)
	for _, t := range ix.terms {
		ix.starts = append(ix.starts, int32(len(ix.postings)))
		ix.postings = append(ix.postings, b.postings[t]...)
	}
	ix.starts = append(ix.starts, int32(len(ix.postings)))
	ix.postings = slices.Clip(ix.postings)
	ix.vectors = slices.Clip(ix.vectors)
	b.postings, b.stems = nil, nil
	return ix
}
