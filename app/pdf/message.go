package pdf

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"unicode/utf8"

	"chatpdf.dev/operator/app/chatpdf"
)

// What one page and one document may hold, as text and as a message. A printed page has 2,000 to 10,000
// characters.
const (
	maxPageGlyphs   = 200_000
	maxDocumentText = 100 << 20 // bytes
	maxMessage      = 16 << 20  // bytes
)

// message is one line that the child writes: first the number of pages, then the pages in order, at
// the end done or failure.
type message struct {
	Pages   int              `json:"pages,omitempty"`
	Page    *chatpdf.Page    `json:"page,omitempty"`
	Done    bool             `json:"done,omitempty"`
	Failure *chatpdf.Failure `json:"failure,omitempty"`
}

// messageWriter writes messages, each of them at once.
type messageWriter struct {
	w      io.Writer
	buffer bytes.Buffer
}

var errMessageTooLong = errors.New("message too long")

func (m *messageWriter) write(v message) error {
	m.buffer.Reset()
	encoder := json.NewEncoder(&m.buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("encode message: %w", err)
	}
	if m.buffer.Len() > maxMessage {
		return errMessageTooLong
	}
	_, err := m.w.Write(m.buffer.Bytes())
	return err
}

// messageReader reads messages and believes nothing: the child has handled hostile bytes.
type messageReader struct {
	scanner *bufio.Scanner
}

func newMessageReader(r io.Reader) *messageReader {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), maxMessage+1)
	return &messageReader{scanner: s}
}

// next returns the next message, io.EOF when there is none.
func (m *messageReader) next() (message, error) {
	if !m.scanner.Scan() {
		if err := m.scanner.Err(); err != nil {
			return message{}, fmt.Errorf("read message: %w", err)
		}
		return message{}, io.EOF
	}
	var v message
	if err := json.Unmarshal(m.scanner.Bytes(), &v); err != nil {
		return message{}, fmt.Errorf("decode message: %w", err)
	}
	if v.Page != nil {
		if err := checkPage(*v.Page); err != nil {
			return message{}, err
		}
	}
	return v, nil
}

// checkPage holds a page against what chatpdf.Page promises.
func checkPage(p chatpdf.Page) error {
	if !utf8.ValidString(p.Text) || !(p.Width > 0) || !(p.Height > 0) || math.IsInf(float64(p.Width), 0) || math.IsInf(float64(p.Height), 0) {
		return fmt.Errorf("page %d has invalid text or size", p.Number)
	}
	end := 0
	for _, s := range p.Sentences {
		if s.Start < end || s.End <= s.Start || s.End > len(p.Text) || !boundary(p.Text, s.Start) || !boundary(p.Text, s.End) {
			return fmt.Errorf("page %d has a sentence at [%d, %d), which is out of order or out of the text", p.Number, s.Start, s.End)
		}
		end = s.End
		if len(s.Rects) == 0 {
			return fmt.Errorf("page %d has a sentence without a place", p.Number)
		}
		for _, r := range s.Rects {
			if !(r.X0 >= 0 && r.X0 < r.X1 && r.X1 <= 1 && r.Y0 >= 0 && r.Y0 < r.Y1 && r.Y1 <= 1) {
				return fmt.Errorf("page %d has a sentence outside of the page", p.Number)
			}
		}
	}
	return nil
}

func boundary(text string, i int) bool { return i == len(text) || utf8.RuneStart(text[i]) }
