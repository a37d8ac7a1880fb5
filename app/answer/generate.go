package answer

import (
	"cmp"
	"context"
	"strings"

	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/llm"
)

// Generator has a model write answers.
type Generator struct {
	Chat    func(ctx context.Context, messages []llm.Message, onText func(string) error) (llm.Completion, error) // llm.Client.Chat
	Context int                                                                                                  // characters of sentences that the model is shown; 0: 12,000
}

// Generate has the model answer the question from the sources and emits the answer while it is written.
// Without sources it answers that nothing was found, without asking the model.
//
// An answer that the model gives without naming a single sentence gets those sentences as sources that
// fit it best ("Sources: [1] [2]"), or says that it is unproven where none does.
//
// An error means that nothing was emitted (the model could not be asked: Extractive may answer instead),
// or that emit failed or ctx ended. A stream that breaks off later gives an answer with Complete false
// and no error.
func (g *Generator) Generate(ctx context.Context, question string, sources []Source, emit Emit) (chatpdf.Answer, error) {
	messages, shown := prompt(question, sources, cmp.Or(g.Context, defaultContext))
	if len(shown) == 0 {
		a := chatpdf.Answer{Mode: chatpdf.AnswerGenerated, Text: nothingFound, Complete: true}
		return a, Replay(a, emit)
	}
	w := &writer{citer: newCiter(shown, emitWithMode(emit))}
	completion, err := g.Chat(ctx, messages, w.write)
	if err != nil {
		return w.answer(completion), err
	}
	if err := w.finish(completion.Complete, question, sources); err != nil {
		return w.answer(completion), err
	}
	return w.answer(completion), nil
}

// emitWithMode emits the mode before the first event.
func emitWithMode(emit Emit) Emit {
	started := false
	return func(e Event) error {
		if !started {
			started = true
			if err := emit(Event{Mode: chatpdf.AnswerGenerated}); err != nil {
				return err
			}
		}
		return emit(e)
	}
}

// writer passes a model's text on to the citer, except the code word for "no answer".
type writer struct {
	citer   *citer
	start   string // what may still become the code word
	decided bool   // it will not
	none    bool   // it did
}

func (w *writer) write(piece string) error {
	if w.none {
		return nil
	}
	if w.decided {
		return w.citer.write(piece)
	}
	w.start += piece
	text := strings.TrimLeft(w.start, " \n\t\"'`*")
	switch {
	case strings.HasPrefix(text, notFound):
		w.none = true
		return nil
	case strings.HasPrefix(notFound, text):
		return nil
	}
	w.decided = true
	return w.citer.write(strings.TrimLeft(w.start, " \n\t"))
}

// finish emits what is held back and what an answer lacks at its end.
func (w *writer) finish(complete bool, question string, sources []Source) error {
	if !w.decided && !w.none && complete && strings.TrimSpace(w.start) == "" {
		w.none = true // it had nothing to say
	}
	if w.none {
		return w.citer.put(nothingFound)
	}
	if !w.decided {
		if err := w.citer.write(strings.TrimSpace(w.start)); err != nil {
			return err
		}
	}
	if err := w.citer.flush(); err != nil {
		return err
	}
	if !complete || len(w.citer.citations) > 0 {
		return nil
	}
	return w.addSources(question, sources)
}

// addSources names the sentences that fit an answer without citations.
func (w *writer) addSources(question string, sources []Source) error {
	best := bestSentences(question+"\n"+w.citer.text.String(), sources)
	if len(best) == 0 {
		return w.citer.put("\n\nNo sentence of the documents was found that proves this answer.")
	}
	if err := w.citer.put("\n\nSources:"); err != nil {
		return err
	}
	for _, s := range best {
		if err := w.citer.citeSentence(s.sentence); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) answer(completion llm.Completion) chatpdf.Answer {
	return chatpdf.Answer{
		Mode:      chatpdf.AnswerGenerated,
		Text:      w.citer.text.String(),
		Citations: w.citer.citations,
		Complete:  completion.Complete,
		Usage:     completion.Usage,
	}
}
