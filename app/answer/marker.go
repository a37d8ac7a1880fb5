package answer

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"chatpdf.dev/operator/app/chatpdf"
)

// maxMarker is how long a marker can be, like "[12, 13, 15-17]". What is longer is text.
const maxMarker = 40

// citer takes the pieces of a model's answer and emits text and citations: it holds back what may become
// a marker, drops markers that name no sentence, and numbers the others in the order of first use.
type citer struct {
	shown     []sentence
	emit      Emit
	held      string      // a beginning of a marker, or spaces before one
	numbers   map[int]int // number in the prompt -> citation ID
	citations []chatpdf.Citation
	text      strings.Builder // emitted so far
	after     bool            // the last thing emitted was a marker
	dropped   bool            // the last thing seen was a marker that was dropped
}

func newCiter(shown []sentence, emit Emit) *citer {
	return &citer{shown: shown, emit: emit, numbers: map[int]int{}}
}

// write takes the next piece.
func (c *citer) write(piece string) error {
	c.held += piece
	for c.held != "" {
		open := strings.IndexByte(c.held, '[')
		if open < 0 {
			keep := len(strings.TrimRight(c.held, " "))
			text := c.held[:keep]
			c.held = c.held[keep:]
			return c.put(text)
		}
		before := strings.TrimRight(c.held[:open], " ")
		if err := c.put(before); err != nil {
			return err
		}
		spaces := c.held[len(before):open]
		c.held = c.held[len(before):]
		end, isMarker, undecided := scanMarker(c.held[len(spaces):])
		if undecided {
			return nil
		}
		taken := c.held[:len(spaces)+end]
		c.held = c.held[len(spaces)+end:]
		if !isMarker {
			if err := c.put(taken); err != nil {
				return err
			}
			continue
		}
		if err := c.cite(spaces, taken[len(spaces):]); err != nil {
			return err
		}
	}
	return nil
}

// flush emits what was held back at the end of the answer: the beginning of a marker is none.
func (c *citer) flush() error {
	rest := c.held
	c.held = ""
	if open := strings.IndexByte(rest, '['); open >= 0 && strings.Trim(rest[open+1:], "0123456789,;-– ") == "" {
		rest = rest[:open]
	}
	return c.put(strings.TrimRight(rest, " "))
}

// scanMarker looks at text that starts with "[". end is where the marker, or the text that is none, ends.
func scanMarker(text string) (end int, isMarker, undecided bool) {
	digits := false
	for i, r := range text[1:] {
		switch {
		case i+1 >= maxMarker:
			return i + 1, false, false
		case r == ']':
			return i + 2, digits, false
		case r >= '0' && r <= '9':
			digits = true
		case !strings.ContainsRune(",;-– ", r):
			return i + 1, false, false
		}
	}
	return 0, false, true
}

// cite emits the citations of a marker that are new and then its numbers.
func (c *citer) cite(spaces, raw string) error {
	var ids strings.Builder
	for _, n := range markerNumbers(raw) {
		if n < 1 || n > len(c.shown) {
			continue
		}
		id, known := c.numbers[n]
		if !known {
			var err error
			if id, err = c.add(c.shown[n-1]); err != nil {
				return err
			}
			c.numbers[n] = id
		}
		if m := marker(id); !strings.Contains(ids.String(), m) {
			ids.WriteString(m)
		}
	}
	if ids.Len() == 0 {
		return c.drop()
	}
	if err := c.put(spaces + ids.String()); err != nil {
		return err
	}
	c.after = true
	return nil
}

// openBracket matches text that something dropped behind it could make a marker of.
var openBracket = regexp.MustCompile(`\[[\d,;\-– ]*$`)

// drop leaves a marker out. Within other brackets an ellipsis takes its place: "[1[99]]" must not become
// "[1]".
func (c *citer) drop() error {
	written := c.text.String()
	if openBracket.MatchString(written[max(0, len(written)-maxMarker):]) {
		return c.put("…")
	}
	c.dropped = true
	return nil
}

// add emits the citation of a sentence and gives its ID.
func (c *citer) add(s sentence) (int, error) {
	citation := s.citation
	citation.ID = len(c.citations) + 1
	if err := c.emit(Event{Citation: &citation}); err != nil {
		return 0, err
	}
	c.citations = append(c.citations, citation)
	return citation.ID, nil
}

// citeSentence adds a citation that the model did not ask for.
func (c *citer) citeSentence(s sentence) error {
	id, err := c.add(s)
	if err != nil {
		return err
	}
	return c.put(" " + marker(id))
}

// put emits text. Behind a marker "(" would make a link of both, so a space comes between; where a marker
// was dropped between two words, one space stays.
func (c *citer) put(text string) error {
	if text == "" {
		return nil
	}
	first, _ := utf8.DecodeRuneInString(text)
	switch {
	case c.after && (first == '(' || first == ':'):
		text = " " + text
	case c.dropped && c.text.Len() > 0 && (unicode.IsLetter(first) || unicode.IsDigit(first)):
		text = " " + text
	}
	c.after, c.dropped = false, false
	c.text.WriteString(text)
	return c.emit(Event{Text: text})
}

// markerNumbers gives the numbers in "[1, 3-5]"; ranges of up to ten.
func markerNumbers(raw string) []int {
	var numbers []int
	parts := strings.FieldsFunc(strings.Trim(raw, "[]"), func(r rune) bool { return r == ',' || r == ';' || r == ' ' })
	for _, part := range parts {
		from, to, isRange := strings.Cut(strings.ReplaceAll(part, "–", "-"), "-")
		first, err := strconv.Atoi(from)
		if err != nil {
			continue
		}
		last := first
		if isRange {
			if last, err = strconv.Atoi(to); err != nil || last < first || last > first+9 {
				continue
			}
		}
		for n := first; n <= last; n++ {
			numbers = append(numbers, n)
		}
	}
	return numbers
}
