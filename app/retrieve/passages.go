package retrieve

import (
	"slices"
	"unicode/utf8"

	"chatpdf.dev/operator/app/chatpdf"
)

// Sizes of passages in characters. A passage ends before target is exceeded; what is left of a page
// joins the last passage if that stays below the largest size.
const (
	targetPassage  = 900
	largestPassage = 1150
	largestOverlap = 300 // a sentence longer than this is not repeated in the next passage
)

// Passages cuts a page into passages of about 900 characters that overlap by a sentence. Their ordinals
// count up from ordinal, so the next page starts at ordinal+len(result). A page without sentences has
// no passages. Vectors are left nil.
func Passages(document chatpdf.DocumentID, page chatpdf.Page, ordinal int) []chatpdf.Passage {
	var passages []chatpdf.Passage
	for first := 0; first < len(page.Sentences); {
		end := passageEnd(page, first)
		sentences := page.Sentences[first:end]
		start, stop := sentences[0].Start, sentences[len(sentences)-1].End
		passages = append(passages, chatpdf.Passage{
			Document:  document,
			Page:      page.Number,
			Ordinal:   ordinal + len(passages),
			Start:     start,
			End:       stop,
			Text:      page.Text[start:stop],
			Sentences: slices.Clone(sentences),
		})
		if end == len(page.Sentences) {
			break
		}
		first = end
		if end-1 > 0 && len(sentences) > 1 && length(page, end-1, end) <= largestOverlap {
			first = end - 1
		}
	}
	return passages
}

// passageEnd is the sentence behind the last one of the passage that starts with sentence first.
func passageEnd(page chatpdf.Page, first int) int {
	end := first + 1
	for end < len(page.Sentences) && length(page, first, end+1) <= targetPassage {
		end++
	}
	if length(page, first, len(page.Sentences)) <= largestPassage {
		return len(page.Sentences)
	}
	return end
}

// length counts the characters of sentences [first, end) with what stands between them.
func length(page chatpdf.Page, first, end int) int {
	return utf8.RuneCountInString(page.Text[page.Sentences[first].Start:page.Sentences[end-1].End])
}
