package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"chatpdf.dev/operator/app/httpapi"
	"chatpdf.dev/operator/app/llm"
	"chatpdf.dev/operator/app/store/storetest"
)

type event struct {
	name string
	data map[string]any
}

type citedAnswer struct {
	Mode, Text string
	Complete   bool
	Citations  []struct {
		ID, Page          int
		DocumentID, Quote string
		Rects             []map[string]float64
	}
}

// ask opens a stream of events; next returns them one by one, and false at the end.
func (b *browser) ask(ctx context.Context, question string) (header http.Header, next func() (event, bool)) {
	b.t.Helper()
	body, err := json.Marshal(map[string]string{"question": question})
	if err != nil {
		b.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url+"/api/v1/questions", strings.NewReader(string(body)))
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	response, err := b.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { response.Body.Close() })
	lines := bufio.NewScanner(response.Body)
	return response.Header, func() (e event, ok bool) {
		for lines.Scan() {
			line := lines.Text()
			switch {
			case strings.HasPrefix(line, "event: "):
				e.name = strings.TrimPrefix(line, "event: ")
			case strings.HasPrefix(line, "data: "):
				if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &e.data); err != nil {
					b.t.Errorf("%s: %v", line, err)
				}
			case line == "" && e.name != "":
				return e, true
			}
		}
		return event{}, false
	}
}

// model is a server that speaks the OpenAI protocol. It answers by talk, which is called with a
// function that sends one piece of text.
func model(t *testing.T, talk func(r *http.Request, say func(string)) (finished bool)) func(*httpapi.Options) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/chat/completions") {
			http.Error(w, `{"error":{"message":"no such model"}}`, http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		flusher := w.(http.Flusher)
		send := func(delta, reason string) {
			fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q},\"finish_reason\":%s}]}\n\n", delta, reason)
			flusher.Flush()
		}
		if talk(r, func(text string) { send(text, "null") }) {
			send("", `"stop"`)
			fmt.Fprint(w, "data: [DONE]\n\n")
		}
	}))
	t.Cleanup(server.Close)
	client, err := llm.New(llm.Config{BaseURL: server.URL, Key: func() (string, error) { return "key", nil },
		ChatModel: "chat", EmbeddingModel: "embed", Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return func(o *httpapi.Options) { o.Model, o.EmbeddingModel = client, "embed" }
}

func TestAnAnswerQuotesThePageThatProvesIt(t *testing.T) {
	b := newBackend(t)
	alice := b.signIn("alice")
	storetest.Ready(t, b.store, alice.user, "metals.pdf", "The colour of iron is grey.", "The colour of copper is red. The colour of gold is yellow.")
	storetest.Ready(t, b.store, alice.user, "plants.pdf", "Grass is green.")
	var a citedAnswer
	alice.call(http.MethodPost, "/api/v1/questions", map[string]string{"question": "What colour is copper?"}).want(http.StatusOK).into(&a)
	if a.Mode != "extractive" || !a.Complete || len(a.Citations) == 0 || !strings.Contains(a.Text, "[1]") {
		t.Fatalf("%+v", a)
	}
	if c := a.Citations[0]; c.Page != 2 || !strings.Contains(c.Quote, "copper") || len(c.Rects) != 1 || c.Rects[0]["x1"] == 0 {
		t.Fatalf("%+v", c)
	}
}

func TestAStreamedAnswerComesAsEvents(t *testing.T) {
	b := newBackend(t, model(t, func(r *http.Request, say func(string)) bool {
		for _, piece := range []string{"Copper ", "is red [", "1", "]", ".", " Lies [9", "9]."} {
			say(piece)
		}
		return true
	}))
	alice := b.signIn("alice")
	storetest.Ready(t, b.store, alice.user, "metals.pdf", "Copper is red.")
	header, next := alice.ask(t.Context(), "What colour is copper?")
	for name, want := range map[string]string{"Content-Type": "text/event-stream", "X-Accel-Buffering": "no", "Cache-Control": "no-cache, no-transform"} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	var names []string
	text, cited := "", map[string]bool{}
	var done map[string]any
	for e, ok := next(); ok; e, ok = next() {
		names = append(names, e.name)
		switch e.name {
		case "token":
			text += e.data["text"].(string)
			if strings.Contains(text, "[1]") && !cited["1"] {
				t.Error("a marker came before its citation")
			}
		case "citation":
			cited[fmt.Sprint(e.data["id"])] = true
		case "done":
			done = e.data
		}
	}
	if names[0] != "answer" || names[len(names)-1] != "done" {
		t.Fatalf("events %v", names)
	}
	if done["text"] != text || done["mode"] != "generated" || done["complete"] != true || strings.Contains(text, "99") || !strings.Contains(text, "[1]") {
		t.Fatalf("text %q, done %v", text, done)
	}
}

func TestAReaderWhoLeavesEndsTheModelsWork(t *testing.T) {
	stopped := make(chan struct{})
	b := newBackend(t, model(t, func(r *http.Request, say func(string)) bool {
		defer close(stopped)
		for r.Context().Err() == nil {
			say("Copper is red. ")
		}
		return false
	}))
	alice := b.signIn("alice")
	storetest.Ready(t, b.store, alice.user, "metals.pdf", "Copper is red.")
	ctx, cancel := context.WithCancel(t.Context())
	_, next := alice.ask(ctx, "What colour is copper?")
	for e, ok := next(); ok && e.name != "token"; e, ok = next() {
	}
	cancel()
	select {
	case <-stopped:
	case <-time.After(time.Minute):
		t.Fatal("the model goes on")
	}
}

func TestAModelThatBreaksOffLeavesAnIncompleteAnswer(t *testing.T) {
	b := newBackend(t, model(t, func(_ *http.Request, say func(string)) bool {
		say("Copper is red [1]. And then ")
		return false
	}))
	alice := b.signIn("alice")
	storetest.Ready(t, b.store, alice.user, "metals.pdf", "Copper is red.")
	var a citedAnswer
	alice.call(http.MethodPost, "/api/v1/questions", map[string]string{"question": "What colour is copper?"}).want(http.StatusOK).into(&a)
	if a.Complete || a.Mode != "generated" || len(a.Citations) != 1 {
		t.Fatalf("%+v", a)
	}
}

func TestAModelThatCannotBeAskedIsReplacedByQuotes(t *testing.T) {
	refuse := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"error":{"message":"bad key"}}`, http.StatusUnauthorized)
	}))
	defer refuse.Close()
	client, err := llm.New(llm.Config{BaseURL: refuse.URL, Key: func() (string, error) { return "key", nil }, ChatModel: "c", EmbeddingModel: "e", Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	b := newBackend(t, func(o *httpapi.Options) { o.Model = client })
	alice := b.signIn("alice")
	storetest.Ready(t, b.store, alice.user, "metals.pdf", "Copper is red.")
	_, next := alice.ask(t.Context(), "What colour is copper?")
	first, _ := next()
	last := first
	for e, ok := next(); ok; e, ok = next() {
		last = e
	}
	if first.data["mode"] != "extractive" || last.name != "done" || last.data["complete"] != true {
		t.Fatalf("first %v, last %v", first, last)
	}
}

func TestQuestionsThatCannotBeAnsweredAreRefused(t *testing.T) {
	b := newBackend(t)
	alice := b.signIn("alice")
	waiting := storetest.Upload(t, b.store, alice.user, "waiting.pdf", []byte("%PDF-1.7 waiting"))
	const path = "/api/v1/questions"
	alice.call(http.MethodPost, path, map[string]any{"question": "x", "documentIds": []string{string(waiting.Document.ID)}}).want(http.StatusConflict)
	alice.call(http.MethodPost, path, map[string]any{"question": "  "}).want(http.StatusUnprocessableEntity)
	alice.call(http.MethodPost, path, map[string]any{"question": strings.Repeat("x", 4001)}).want(http.StatusUnprocessableEntity)
	alice.call(http.MethodPost, path, map[string]any{"question": strings.Repeat("x", 200<<10)}).want(http.StatusRequestEntityTooLarge)
	alice.call(http.MethodPost, path, map[string]any{"question": "x", "unknown": true}).want(http.StatusBadRequest)
	alice.call(http.MethodPost, path, strings.NewReader("x"), "Content-Type", "text/plain").want(http.StatusUnsupportedMediaType)
	var a citedAnswer
	alice.call(http.MethodPost, path, map[string]any{"question": "What?"}).want(http.StatusOK).into(&a)
	if len(a.Citations) != 0 || a.Text == "" {
		t.Fatalf("without documents: %+v", a)
	}
}

func TestAStreamOutlivesTheTimeoutOfOrdinaryRequests(t *testing.T) {
	pieces := make(chan string)
	talk := model(t, func(_ *http.Request, say func(string)) bool {
		for piece := range pieces {
			say(piece)
		}
		return true
	})
	const timeout = 500 * time.Millisecond
	b := newBackend(t)
	alice := b.signIn("alice")
	alice.url = newReplica(t, b.store, talk, func(o *httpapi.Options) { o.Timeout = timeout }).URL
	storetest.Ready(t, b.store, alice.user, "metals.pdf", "Copper is red.")
	_, next := alice.ask(t.Context(), "What colour is copper?")
	go func() {
		defer close(pieces)
		tick := time.NewTicker(timeout / 2)
		defer tick.Stop()
		for range 8 {
			pieces <- "Copper is red [1]. "
			<-tick.C
		}
	}()
	var last event
	for e, ok := next(); ok; e, ok = next() {
		last = e
	}
	if last.name != "done" {
		t.Fatalf("it ended with %v", last)
	}
}
