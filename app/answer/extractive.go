package answer

import (
	"fmt"
	"strings"

	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/retrieve"
)

const (
	maxQuotes = 3
	// A quote must have this share of the question's meaning, or the answer is that nothing was found.
	leastCoverage = 0.3
	// And this many of its terms: one common word proves nothing.
	leastShared = 2
	// Further quotes must be nearly as good as the first one.
	furtherShare = 0.65
	// Quotes that share more of their terms than this say the same.
	sameShare = 0.8
)

// Extractive answers by quoting the sentences of the sources that fit the question best, or says
// that nothing fitting was found (then without citations). In the text brackets of a quote are
// parentheses, so that they are no markers; Citation.Quote has them as they are.
func Extractive(question string, sources []Source) chatpdf.Answer {
	a := chatpdf.Answer{Mode: chatpdf.AnswerExtractive, Complete: true}
	for i, s := range bestSentences(question, sources) {
		s.citation.ID = i + 1
		a.Citations = append(a.Citations, s.citation)
	}
	switch len(a.Citations) {
	case 0:
		a.Text = nothingFound
		return a
	case 1:
		a.Text = "The sentence that fits the question best:\n\n"
	default:
		a.Text = "The sentences that fit the question best:\n\n"
	}
	var lines []string
	for _, c := range a.Citations {
		lines = append(lines, fmt.Sprintf("- “%s” %s", plain(unmarked(c.Quote)), marker(c.ID)))
	}
	a.Text += strings.Join(lines, "\n")
	return a
}

// bestSentences picks up to maxQuotes different sentences.
func bestSentences(question string, sources []Source) []scored {
	least := min(leastShared, len(retrieve.QuestionTerms(question)))
	var best []scored
	for _, s := range score(question, sources) {
		switch {
		case s.coverage < leastCoverage, s.shared < least:
			continue
		case len(best) > 0 && s.score < furtherShare*best[0].score, len(best) == maxQuotes:
			return best
		case !repeats(best, s):
			best = append(best, s)
		}
	}
	return best
}

// repeats says whether one of the chosen says the same as s.
func repeats(chosen []scored, s scored) bool {
	own := unique(s.terms)
	for _, c := range chosen {
		shared, other := 0, unique(c.terms)
		for t := range own {
			if other[t] {
				shared++
			}
		}
		if float64(shared) > sameShare*float64(max(len(own), len(other))) {
			return true
		}
	}
	return false
}

// plain keeps a quote from being read as Markdown.
func plain(text string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "<", `\<`).Replace(text)
}
