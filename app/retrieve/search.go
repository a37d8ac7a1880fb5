package retrieve

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"chatpdf.dev/operator/app/chatpdf"
)

// Query is one search.
type Query struct {
	Text   string
	Vector []float32 // normalised embedding of Text; nil: keywords only
	Limit  int       // hits wanted at most
}

// Hit names a passage that matches. Scores order the hits of one search and mean nothing beyond it.
type Hit struct {
	Document chatpdf.DocumentID
	Ordinal  int // chatpdf.Passage.Ordinal
	Score    float64
}

// Parameters of BM25 as Anserini uses them, and of reciprocal rank fusion as Cormack et al. (2009)
// introduced it.
const (
	bm25K1 = 0.9
	bm25B  = 0.4
	rrfK   = 60
)

// overfetch is how many hits of each kind are fused at least: a passage that is middling in both lists
// may be the best of all.
const overfetch = 50

// Search finds the passages of all indexes together that match best, best first: by BM25, and where
// the query has a vector also by cosine similarity, the two lists joined by reciprocal rank fusion.
func Search(indexes []*Index, q Query) []Hit {
	if q.Limit <= 0 {
		return nil
	}
	if len(q.Vector) == 0 {
		return searchKeywords(indexes, q.Text, q.Limit)
	}
	depth := max(q.Limit, overfetch)
	return Fuse(q.Limit, searchKeywords(indexes, q.Text, depth), searchVectors(indexes, q.Vector, depth))
}

// searchKeywords ranks by BM25.
func searchKeywords(indexes []*Index, text string, limit int) []Hit {
	var passages int
	var length int64
	for _, ix := range indexes {
		passages += len(ix.ordinals)
		length += ix.total
	}
	if passages == 0 || length == 0 {
		return nil
	}
	weights := map[string]float64{}
	for _, term := range boundedTerms(text) {
		frequency := 0
		for _, ix := range indexes {
			frequency += len(ix.find(term))
		}
		weights[term] = idf(passages, frequency)
	}
	average := float64(length) / float64(passages)
	best := newTop(limit)
	for _, ix := range indexes {
		for passage, score := range ix.scores(weights, average) {
			if score > 0 {
				best.add(Hit{Document: ix.document, Ordinal: int(ix.ordinals[passage]), Score: score})
			}
		}
	}
	return best.hits()
}

// boundedTerms are the terms of a query, at most 256: someone may paste a book.
func boundedTerms(text string) []string {
	terms := QuestionTerms(text[:min(len(text), 16<<10)])
	return terms[:min(len(terms), 256)]
}

// idf is how much it says that a term which frequency of total passages have is there.
func idf(total, frequency int) float64 {
	return math.Log1p((float64(total-frequency) + 0.5) / (float64(frequency) + 0.5))
}

// scores gives the BM25 score of each passage.
func (ix *Index) scores(weights map[string]float64, average float64) []float64 {
	scores := make([]float64, len(ix.ordinals))
	for _, term := range slices.Sorted(maps.Keys(weights)) { // one order, so that sums come out the same every time
		for _, p := range ix.find(term) {
			count, length := float64(p.count), float64(ix.lengths[p.passage])
			scores[p.passage] += weights[term] * count * (bm25K1 + 1) / (count + bm25K1*(1-bm25B+bm25B*length/average))
		}
	}
	return scores
}

// searchVectors ranks by cosine similarity. Documents whose vectors were made by a model with other
// dimensions take no part.
func searchVectors(indexes []*Index, query []float32, limit int) []Hit {
	best := newTop(limit)
	for _, ix := range indexes {
		if ix.dims != len(query) {
			continue
		}
		for i, passage := range ix.owners {
			score := dot(query, ix.vectors[i*ix.dims:(i+1)*ix.dims])
			best.add(Hit{Document: ix.document, Ordinal: int(ix.ordinals[passage]), Score: float64(score)})
		}
	}
	return best.hits()
}

// dot multiplies vectors of the same length. Four sums keep the processor's units busy.
func dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + s2 + s3
}

// Fuse joins ranked lists by reciprocal rank: only places count, so scores of different kinds need no
// common scale.
func Fuse(limit int, lists ...[]Hit) []Hit {
	type key struct {
		document chatpdf.DocumentID
		ordinal  int
	}
	sums := map[key]float64{}
	for _, list := range lists {
		for rank, h := range list {
			sums[key{h.Document, h.Ordinal}] += 1 / float64(rrfK+rank+1)
		}
	}
	best := newTop(limit)
	for k, score := range sums {
		best.add(Hit{Document: k.document, Ordinal: k.ordinal, Score: score})
	}
	return best.hits()
}

// compare orders hits best first, equal ones by place, so that results are the same every time.
func compare(a, b Hit) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Document, b.Document), cmp.Compare(a.Ordinal, b.Ordinal))
}
