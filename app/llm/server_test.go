package llm

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const testKey = "sk-test-0123456789abcdef"

// standIn is a server that speaks the OpenAI protocol on loopback. It stands in for the paid service,
// which cannot be made to break off, stall or refuse on demand; what it sends is what such servers send.
type standIn struct {
	*httptest.Server
	calls atomic.Int32
}

func serve(t *testing.T, handler func(call int, w http.ResponseWriter, r *http.Request)) *standIn {
	t.Helper()
	s := &standIn{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler(int(s.calls.Add(1)), w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// pauses records waits between attempts instead of waiting.
type pauses struct {
	mu  sync.Mutex
	all []time.Duration
}

func (p *pauses) pause(ctx context.Context, d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, d)
	return ctx.Err()
}

func client(t *testing.T, s *standIn) (*Client, *pauses) {
	t.Helper()
	c, err := New(Config{
		BaseURL:        s.URL + "/v1",
		Key:            func() (string, error) { return testKey + "\n", nil },
		ChatModel:      "chat",
		EmbeddingModel: "embed",
		Timeout:        20 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	p := &pauses{}
	c.pause = p.pause
	return c, p
}

// fail answers like the service does when it refuses.
func fail(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"message": message, "type": "error", "code": nil}}) //nolint:errcheck // a test sees it
}

// events starts a stream and returns what sends its lines.
func events(w http.ResponseWriter) func(format string, args ...any) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	return func(format string, args ...any) {
		fmt.Fprintf(w, format+"\n\n", args...)
		w.(http.Flusher).Flush()
	}
}

// delta is a chunk with a piece of text.
func delta(text string) string {
	piece, _ := json.Marshal(text)
	return fmt.Sprintf(`data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":%s},"finish_reason":null}]}`, piece)
}

// finish is the chunk that says why an answer ended.
func finish(reason string) string {
	return fmt.Sprintf(`data: {"id":"1","choices":[{"index":0,"delta":{},"finish_reason":%q}]}`, reason)
}

const (
	usage = `data: {"id":"1","choices":[],"usage":{"prompt_tokens":120,"completion_tokens":7,"total_tokens":127}}`
	done  = `data: [DONE]`
)

// hangUp breaks the connection without ending the answer.
func hangUp(w http.ResponseWriter) {
	connection, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		connection.Close()
	}
}
