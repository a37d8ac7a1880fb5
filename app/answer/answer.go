package answer

import (
	"strconv"
	"strings"

	"chatpdf.dev/operator/app/chatpdf"
)

// Source is a passage to answer from, best first in a list of sources.
type Source struct {
	Passage      chatpdf.Passage // Text and Sentences needed, Vector not
	DocumentName string
}

// Event is one step of an answer on its way to the reader; exactly one field is set. Mode comes first,
// once; then Text and Citation in turn, a citation always before the text that holds its marker.
type Event struct {
	Mode     chatpdf.AnswerMode
	Text     string // append to the answer
	Citation *chatpdf.Citation
}

// Emit takes an event to the reader; an error (the reader has gone) ends the answer.
type Emit func(Event) error

// nothingFound is the whole answer when the documents do not hold one.
const nothingFound = "I found nothing in the documents that answers this question."

// Replay emits a finished answer as events, as if it were being written.
func Replay(a chatpdf.Answer, emit Emit) error {
	if err := emit(Event{Mode: a.Mode}); err != nil {
		return err
	}
	rest := a.Text
	for _, c := range a.Citations {
		marker := marker(c.ID)
		at := strings.Index(rest, marker)
		if at < 0 {
			continue
		}
		if at > 0 {
			if err := emit(Event{Text: rest[:at]}); err != nil {
				return err
			}
		}
		if err := emit(Event{Citation: &c}); err != nil {
			return err
		}
		if err := emit(Event{Text: marker}); err != nil {
			return err
		}
		rest = rest[at+len(marker):]
	}
	if rest == "" {
		return nil
	}
	return emit(Event{Text: rest})
}

func marker(id int) string { return "[" + strconv.Itoa(id) + "]" }

// unmarked keeps what a document writes in brackets from looking like a marker of ours.
func unmarked(text string) string { return strings.NewReplacer("[", "(", "]", ")").Replace(text) }
