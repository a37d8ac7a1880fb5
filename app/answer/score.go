package answer

import (
	"cmp"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"chatpdf.dev/operator/app/retrieve"
)

// scored is a sentence with how well it fits a question.
type scored struct {
	sentence
	terms    []string
	coverage float64 // share of the question's meaning that it or its surroundings have
	shared   int     // terms of the question that it or its surroundings have
	score    float64
}

// Weights of what makes a sentence an answer, next to the terms that it shares with the question (1 for
// all of them). Tried out on questions about annual reports.
const (
	contextWeight   = 0.6  // terms that only the heading or a neighbour has: rows of tables say little themselves
	proximityWeight = 0.15 // terms that stand together
	expectedWeight  = 0.2  // a number where one is asked for
	rankWeight      = 0.3  // the place of its passage among the sources
	bareWeight      = 0.3  // taken off a heading or fragment
)

// score orders the sentences of the sources by how well they answer the question, best first.
func score(question string, sources []Source) []scored {
	asked := retrieve.QuestionTerms(question)
	if len(asked) == 0 {
		return nil
	}
	all := make([]scored, 0, 64)
	frequency := map[string]int{}
	for _, s := range sentencesOf(sources) {
		terms := retrieve.Terms(s.citation.Quote)
		for t := range unique(terms) {
			frequency[t]++
		}
		all = append(all, scored{sentence: s, terms: terms})
	}
	weights, whole := weigh(asked, frequency, len(all))
	wantsNumber := asksForNumber(question)
	for i := range all {
		s := &all[i]
		own := unique(s.terms)
		around := surroundings(all, i)
		matched, context := 0.0, 0.0
		for _, t := range asked {
			switch {
			case own[t]:
				matched += weights[t]
			case around[t]:
				context += weights[t]
			default:
				continue
			}
			s.shared++
		}
		s.coverage = (matched + contextWeight*context) / whole
		if matched == 0 {
			continue
		}
		s.score = s.coverage*brevity(len(s.terms)) + proximityWeight*proximity(s.terms, weights) + rankWeight/float64(1+s.source)
		if wantsNumber && hasNumber(s.citation.Quote, question) {
			s.score += expectedWeight
		}
		if isBare(s) {
			s.score -= bareWeight
		}
	}
	all = slices.DeleteFunc(all, func(s scored) bool { return s.score <= 0 })
	slices.SortStableFunc(all, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	return all
}

// mainTerms is how many of its terms make up the meaning of a question; long questions explain themselves
// in many more words than any sentence that answers them has.
const mainTerms = 5

// weigh gives each term asked for a weight by how rare it is among the sentences, and the weight of the
// whole question. A term that no sentence has weighs no more than the rarest one found.
func weigh(asked []string, frequency map[string]int, sentences int) (weights map[string]float64, whole float64) {
	weights = make(map[string]float64, len(asked))
	for _, t := range asked {
		weights[t] = math.Log1p(float64(sentences+1) / (max(float64(frequency[t]), 1) + 0.5))
	}
	sorted := slices.Sorted(maps.Values(weights))
	for _, w := range sorted[max(0, len(sorted)-mainTerms):] {
		whole += w
	}
	return weights, whole
}

// brevity is 1 for sentences of up to 30 terms and falls slowly: long ones match much by chance.
func brevity(terms int) float64 {
	return 1 / (1 + max(0, math.Log2(float64(terms)/30))/3)
}

func unique(terms []string) map[string]bool {
	m := make(map[string]bool, len(terms))
	for _, t := range terms {
		m[t] = true
	}
	return m
}

// surroundings are the terms of the start of a sentence's passage (its heading), of its neighbours and of
// the document's name.
func surroundings(all []scored, i int) map[string]bool {
	near := unique(retrieve.Terms(strings.ReplaceAll(all[i].citation.DocumentName, "_", " ")))
	for k := max(0, i-12); k < min(len(all), i+2); k++ {
		s := all[k]
		if k == i || s.source != all[i].source {
			continue
		}
		if k >= i-2 || s.index < 2 {
			for _, t := range s.terms {
				near[t] = true
			}
		}
	}
	return near
}

// proximity is 1 where the terms of the question stand side by side in a sentence and falls to 0 as they
// drift apart.
func proximity(terms []string, weights map[string]float64) float64 {
	last, pairs, sum := -1, 0, 0.0
	for i, t := range terms {
		if _, ok := weights[t]; !ok {
			continue
		}
		if last >= 0 && terms[last] != t {
			sum += 1 / float64(i-last)
			pairs++
		}
		last = i
	}
	if pairs == 0 {
		return 0
	}
	return sum / float64(pairs)
}

var numberQuestion = regexp.MustCompile(`(?i)\b(how (many|much|long|old|far|large|big|high|often)|when|what (year|date|percentage|percent|amount|number|time)|which (year|date|quarter)|rate|ratio|total|amount|average|price|cost|revenue|sales|margin|number of|percentage)\b`)

func asksForNumber(question string) bool { return numberQuestion.MatchString(question) }

var number = regexp.MustCompile(`\d+(?:[.,]\d+)*`)

// hasNumber says whether a text has a number that the question did not bring itself.
func hasNumber(text, question string) bool {
	for _, n := range number.FindAllString(text, -1) {
		if !strings.Contains(question, n) {
			return true
		}
	}
	return false
}

// isBare says that a sentence states nothing: a heading, a label, a page number.
func isBare(s *scored) bool {
	quote := s.citation.Quote
	last := quote[len(quote)-1]
	if len(s.terms) >= 4 && (last == '.' || last == '!' || last == '?') {
		return false
	}
	return !strings.ContainsFunc(quote, unicode.IsDigit) && len(s.terms) < 8
}
