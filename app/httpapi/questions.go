package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"chatpdf.dev/operator/app/answer"
	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/llm"
)

const (
	maxQuestionBody = 128 << 10
	maxQuestion     = 4000 // characters
	maxNamed        = 1000 // documents that one question may name
	// maxAnswerTime bounds an answer, however lively its stream.
	maxAnswerTime = 10 * time.Minute
	// maxAnswers bounds the answers in the making at one replica.
	maxAnswers = 64
)

type wireQuestion struct {
	Question    string               `json:"question" minLength:"1" maxLength:"4000"`
	DocumentIDs []chatpdf.DocumentID `json:"documentIds,omitempty" maxItems:"1000" doc:"absent or empty: all that are ready"`
}

func questionOperation(api huma.API) *huma.Operation {
	registry := api.OpenAPI().Components.Schemas
	question := registry.Schema(reflect.TypeFor[wireQuestion](), true, "Question")
	whole := registry.Schema(reflect.TypeFor[wireAnswer](), true, "Answer")
	return &huma.Operation{OperationID: "ask-question", Method: http.MethodPost, Path: "/api/v1/questions", Summary: "Ask about your documents",
		Description: "With Accept: text/event-stream the answer comes as events: answer {mode}, then token {text} and citation (a Citation, " +
			"before the text that holds its marker), at the end done (the whole Answer) or error (a problem).",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: question}}},
		Responses: map[string]*huma.Response{
			"200": {Description: "The answer.", Content: map[string]*huma.MediaType{
				"application/json": {Schema: whole}, "text/event-stream": {Schema: &huma.Schema{Type: "string"}}}},
			"404": {Description: "A document does not exist."}, "409": {Description: "A document is not ready."}},
	}
}

// question answers a question, as one JSON object or as a stream of events.
func (s *server) question(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), maxAnswerTime)
	defer cancel()
	select {
	case s.answers <- struct{}{}:
		defer func() { <-s.answers }()
	default:
		p := problem(http.StatusServiceUnavailable, "Too many questions are being answered right now: ask again in a moment.")
		p.header.Set("Retry-After", "5")
		writeProblem(w, p)
		return
	}
	q, err := readQuestion(w, r)
	if err != nil {
		writeProblem(w, s.fail(ctx, err))
		return
	}
	control := http.NewResponseController(w)
	// A deadline for reading that passes while we write would end the request's context.
	control.SetReadDeadline(time.Time{})                                //nolint:errcheck // recorders in tests have none
	control.SetWriteDeadline(time.Now().Add(maxAnswerTime + s.Timeout)) //nolint:errcheck // recorders in tests have none
	streaming := strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	if !streaming {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.Timeout)
		defer cancel()
	}
	sources, err := s.findSources(ctx, q)
	if err != nil {
		writeProblem(w, s.fail(ctx, err))
		return
	}
	if streaming {
		s.streamAnswer(ctx, w, q, sources)
		return
	}
	a, err := s.answer(ctx, q, sources, func(answer.Event) error { return nil })
	if err != nil {
		writeProblem(w, s.fail(ctx, err))
		return
	}
	writeJSON(w, http.StatusOK, "application/json", toAnswer(a))
}

// answer words the answer: by a model if there is one and it can be asked, else by quoting.
func (s *server) answer(ctx context.Context, q chatpdf.Question, sources []answer.Source, emit answer.Emit) (chatpdf.Answer, error) {
	if s.Model != nil {
		generator := &answer.Generator{Chat: s.Model.Chat}
		a, err := generator.Generate(ctx, q.Text, sources, emit)
		if _, refused := errors.AsType[*llm.Error](err); !refused {
			s.questions.WithLabelValues("generated").Inc()
			return a, err
		}
		s.log(ctx, slog.LevelWarn, "a question is answered with quotes because the model could not be asked", err)
		s.questions.WithLabelValues("fallback").Inc()
	} else {
		s.questions.WithLabelValues("extractive").Inc()
	}
	a := answer.Extractive(q.Text, sources)
	return a, answer.Replay(a, emit)
}

// streamAnswer sends the answer while it is made.
func (s *server) streamAnswer(ctx context.Context, w http.ResponseWriter, q chatpdf.Question, sources []answer.Source) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := beginStream(ctx, cancel, w, s.Timeout)
	defer events.end()
	a, err := s.answer(ctx, q, sources, func(e answer.Event) error {
		switch {
		case e.Citation != nil:
			return events.send("citation", toCitation(*e.Citation))
		case e.Mode != "":
			return events.send("answer", map[string]chatpdf.AnswerMode{"mode": e.Mode})
		default:
			return events.send("token", map[string]string{"text": e.Text})
		}
	})
	if err == nil {
		err = events.send("done", toAnswer(a))
	}
	if err == nil {
		return
	}
	if p := s.fail(ctx, err); p.Status != statusClientClosed {
		events.send("error", p.ErrorModel) //nolint:errcheck // a client that has gone needs no answer
		return
	}
	s.log(ctx, slog.LevelInfo, "the reader went away before the answer ended", err)
}

func readQuestion(w http.ResponseWriter, r *http.Request) (chatpdf.Question, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return chatpdf.Question{}, problem(http.StatusUnsupportedMediaType, "Send the question as application/json.")
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxQuestionBody))
	decoder.DisallowUnknownFields()
	var in wireQuestion
	err := decoder.Decode(&in)
	if err == nil && decoder.Decode(&struct{}{}) != io.EOF {
		err = errors.New("more than one value")
	}
	var large *http.MaxBytesError
	in.Question = strings.TrimSpace(in.Question)
	switch {
	case errors.As(err, &large):
		return chatpdf.Question{}, problem(http.StatusRequestEntityTooLarge, "The question is too long.")
	case err != nil:
		return chatpdf.Question{}, problem(http.StatusBadRequest, `The question cannot be read: send {"question": "...", "documentIds": ["..."]}.`)
	case in.Question == "" || utf8.RuneCountInString(in.Question) > maxQuestion:
		return chatpdf.Question{}, problem(http.StatusUnprocessableEntity, "A question has 1 to 4000 characters.")
	case len(in.DocumentIDs) > maxNamed:
		return chatpdf.Question{}, problem(http.StatusUnprocessableEntity, "A question names 1000 documents at most; name none to ask all.")
	}
	return chatpdf.Question{Owner: userOf(r.Context()).ID, Text: in.Question, Documents: in.DocumentIDs}, nil
}
