package llm

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"chatpdf.dev/operator/app/chatpdf"
)

func ask(c *Client) (string, Completion, error) {
	var text strings.Builder
	end, err := c.Chat(context.Background(), []Message{{RoleSystem, "Be brief."}, {RoleUser, "Hello?"}}, func(s string) error {
		text.WriteString(s)
		return nil
	})
	return text.String(), end, err
}

func TestStreamIsCompleteOnlyWithAFinishReason(t *testing.T) {
	for name, c := range map[string]struct {
		send     func(w http.ResponseWriter)
		text     string
		complete bool
		reason   string
		usage    chatpdf.Usage
	}{
		"whole": {func(w http.ResponseWriter) {
			send := events(w)
			for _, s := range []string{delta("Hel"), delta("lo."), finish("stop"), usage, done} {
				send("%s", s)
			}
		}, "Hello.", true, "stop", chatpdf.Usage{PromptTokens: 120, CompletionTokens: 7}},
		"without usage": {func(w http.ResponseWriter) {
			send := events(w)
			send("%s", delta("Hello."))
			send("%s", finish("stop"))
			send(done)
		}, "Hello.", true, "stop", chatpdf.Usage{}},
		"without DONE": {func(w http.ResponseWriter) {
			send := events(w)
			send("%s", delta("Hello."))
			send("%s", finish("stop"))
		}, "Hello.", true, "stop", chatpdf.Usage{}},
		"DONE without a reason": {func(w http.ResponseWriter) {
			send := events(w)
			send("%s", delta("Hel"))
			send(done)
		}, "Hel", false, "", chatpdf.Usage{}},
		"ends politely in the middle": {func(w http.ResponseWriter) {
			events(w)("%s", delta("Hel"))
		}, "Hel", false, "", chatpdf.Usage{}},
		"connection lost": {func(w http.ResponseWriter) {
			events(w)("%s", delta("Hel"))
			hangUp(w)
		}, "Hel", false, "", chatpdf.Usage{}},
		"error in the middle": {func(w http.ResponseWriter) {
			send := events(w)
			send("%s", delta("Hel"))
			send(`data: {"error":{"message":"overloaded"}}`)
		}, "Hel", false, "", chatpdf.Usage{}},
		"no room": {func(w http.ResponseWriter) {
			send := events(w)
			send("%s", delta("Hel"))
			send("%s", finish("length"))
			send(done)
		}, "Hel", false, "length", chatpdf.Usage{}},
		"a thousand keep-alive comments": {func(w http.ResponseWriter) {
			send := events(w)
			send("%s", delta("Hel"))
			for range 1000 {
				send(": keep-alive")
			}
			send("%s", delta("lo."))
			send("%s", finish("stop"))
			send(done)
		}, "Hello.", true, "stop", chatpdf.Usage{}},
		"rubbish in the middle": {func(w http.ResponseWriter) {
			send := events(w)
			send("%s", delta("Hel"))
			send("data: {not json")
		}, "Hel", false, "", chatpdf.Usage{}},
		"a line without end": {func(w http.ResponseWriter) {
			send := events(w)
			send("%s", delta("Hel"))
			io.WriteString(w, "data: "+strings.Repeat("x", 2*maxStreamLine)) //nolint:errcheck // the client hangs up
		}, "Hel", false, "", chatpdf.Usage{}},
	} {
		t.Run(name, func(t *testing.T) {
			cl, _ := client(t, serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { c.send(w) }))
			text, end, err := ask(cl)
			if err != nil || text != c.text || end != (Completion{Complete: c.complete, Reason: c.reason, Usage: c.usage}) {
				t.Errorf("text %q, end %+v, error %v; want %q, complete %v, reason %q, usage %+v", text, end, err, c.text, c.complete, c.reason, c.usage)
			}
		})
	}
}

func TestChatThatNeverBeganIsAnError(t *testing.T) {
	for name, c := range map[string]struct {
		handle    func(w http.ResponseWriter)
		status    int
		temporary bool
		calls     int32
	}{
		"key refused":      {func(w http.ResponseWriter) { fail(w, 401, "Incorrect API key provided: "+testKey) }, 401, false, 1},
		"model unknown":    {func(w http.ResponseWriter) { fail(w, 404, "The model `chat` does not exist") }, 404, false, 1},
		"quota used up":    {func(w http.ResponseWriter) { fail(w, 429, "insufficient_quota: you exceeded your quota") }, 429, true, 1},
		"overloaded":       {func(w http.ResponseWriter) { fail(w, 503, "overloaded") }, 503, true, chatAttempts},
		"empty stream":     {func(w http.ResponseWriter) { events(w) }, 0, true, 1},
		"error at once":    {func(w http.ResponseWriter) { events(w)(`data: {"error":{"message":"no such model"}}`) }, 0, true, 1},
		"a page":           {func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/html"); io.WriteString(w, "<html>") }, 0, true, 1}, //nolint:errcheck // a test sees it
		"elsewhere":        {func(w http.ResponseWriter) { w.Header().Set("Location", "https://example.com/"); w.WriteHeader(307) }, 502, true, chatAttempts},
		"connection reset": {hangUp, 0, true, chatAttempts},
		"echoes the key":   {func(w http.ResponseWriter) { fail(w, 400, "bad header Bearer "+testKey+" and sk-other-key-12345678") }, 400, false, 1},
		"huge error":       {func(w http.ResponseWriter) { w.WriteHeader(400); io.WriteString(w, strings.Repeat("x", 10<<20)) }, 400, false, 1}, //nolint:errcheck // the client hangs up
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { c.handle(w) })
			cl, _ := client(t, s)
			text, _, err := ask(cl)
			var refusal *Error
			if !errors.As(err, &refusal) || refusal.Status != c.status || refusal.Temporary != c.temporary || text != "" {
				t.Fatalf("text %q, error %#v; want status %d, temporary %v", text, err, c.status, c.temporary)
			}
			if s.calls.Load() != c.calls {
				t.Errorf("%d requests, want %d", s.calls.Load(), c.calls)
			}
			if message := err.Error(); strings.Contains(message, "0123456789") || strings.Contains(message, "12345678") || len(message) > 500 {
				t.Errorf("message %q", message)
			}
		})
	}
}

func TestChatIsRetriedBeforeTheFirstPieceOnly(t *testing.T) {
	s := serve(t, func(call int, w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !json.Valid(body) || !strings.Contains(string(body), "Hello?") || r.Header.Get("Authorization") != "Bearer "+testKey {
			t.Errorf("request %d: key %q, body %q", call, r.Header.Get("Authorization"), body)
		}
		if call == 1 {
			w.Header().Set("Retry-After", "7")
			fail(w, 429, "slow down")
			return
		}
		events(w)("%s", delta("Hel"))
		hangUp(w)
	})
	cl, p := client(t, s)
	text, end, err := ask(cl)
	if text != "Hel" || end.Complete || err != nil || s.calls.Load() != 2 {
		t.Fatalf("text %q, end %+v, error %v after %d requests", text, end, err, s.calls.Load())
	}
	if len(p.all) != 1 || p.all[0] != 7*time.Second {
		t.Errorf("waited %v, the server asked for 7 s", p.all)
	}
}

func TestServersThatCannotCountInStreamsAreAskedWithout(t *testing.T) {
	cl, _ := client(t, serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), "stream_options") {
			fail(w, 422, "Extra inputs are not permitted: stream_options")
			return
		}
		send := events(w)
		send("%s", delta("Hello."))
		send("%s", finish("stop"))
	}))
	if text, end, err := ask(cl); text != "Hello." || !end.Complete || err != nil {
		t.Fatalf("text %q, end %+v, error %v", text, end, err)
	}
}

func TestReaderWhoLeavesStopsTheModel(t *testing.T) {
	gone := make(chan struct{})
	cl, _ := client(t, serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		events(w)("%s", delta("Hel"))
		<-r.Context().Done()
		close(gone)
	}))
	ctx, cancel := context.WithCancelCause(context.Background())
	left := errors.New("the reader left")
	_, err := cl.Chat(ctx, []Message{{RoleUser, "Hello?"}}, func(string) error { cancel(left); return nil })
	if !errors.Is(err, left) {
		t.Errorf("error %v, want %v", err, left)
	}
	<-gone

	failed := errors.New("cannot write")
	cl, _ = client(t, serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { events(w)("%s", delta("Hel")) }))
	if _, err := cl.Chat(context.Background(), []Message{{RoleUser, "Hello?"}}, func(string) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("error %v, want %v", err, failed)
	}
}

func TestSilentServerIsGivenUp(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "chat") {
			events(w)("%s", delta("Hel"))
		}
		<-release
	})
	cl, _ := client(t, s)
	t.Cleanup(func() { close(release) })
	cl.config.Timeout = 50 * time.Millisecond
	if text, end, err := ask(cl); text != "Hel" || end.Complete || err != nil {
		t.Errorf("text %q, end %+v, error %v", text, end, err)
	}
	var refusal *Error
	if _, err := cl.Embed(context.Background(), []string{"a"}); !errors.As(err, &refusal) || !refusal.Temporary {
		t.Errorf("error %v, want a temporary one", err)
	}
	if s.calls.Load() != 2 {
		t.Errorf("%d requests: a server that hangs is not asked again", s.calls.Load())
	}
}

func TestKeyIsAskedForAtEachRequest(t *testing.T) {
	var seen []string
	s := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		send := events(w)
		send("%s", delta("x"))
		send("%s", finish("stop"))
	})
	cl, _ := client(t, s)
	keys := []string{"first", "", "second"}
	for i := range keys {
		cl.config.Key = func() (string, error) { return keys[i], nil }
		if _, _, err := ask(cl); err != nil {
			t.Fatal(err)
		}
	}
	if want := "Bearer first||Bearer second"; strings.Join(seen, "|") != want {
		t.Errorf("keys %q, want %q", strings.Join(seen, "|"), want)
	}
	unreadable := errors.New("no such file")
	cl.config.Key = func() (string, error) { return "", unreadable }
	if _, _, err := ask(cl); !errors.Is(err, unreadable) {
		t.Errorf("error %v, want %v", err, unreadable)
	}
}
