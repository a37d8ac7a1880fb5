package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"
)

// embeddings answers a request with vectors made of each text's number; order says how.
func embeddings(t *testing.T, w http.ResponseWriter, r *http.Request, vector func(i int, text string) []float32) {
	var request struct {
		Input []string
		Model string
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil || request.Model != "embed" || r.Header.Get("Authorization") != "Bearer "+testKey {
		t.Errorf("request %+v, error %v", request, err)
	}
	type item struct {
		Object    string    `json:"object"`
		Index     int       `json:"index"`
		Embedding []float32 `json:"embedding"`
	}
	var data []item
	for i, text := range request.Input {
		if v := vector(i, text); v != nil {
			data = append([]item{{"embedding", i, v}}, data...) // in reverse: the index counts, not the order
		}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"object": "list", "data": data, "model": request.Model}) //nolint:errcheck // a test sees it
}

func numbered(n int) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprint(i)
	}
	return texts
}

func angle(text string) []float32 {
	var n int
	fmt.Sscan(text, &n) //nolint:errcheck // numbers by construction
	return []float32{float32(3 * math.Cos(float64(n)/100)), float32(3 * math.Sin(float64(n)/100))}
}

func TestEmbeddingsComeNormalisedAndInOrder(t *testing.T) {
	s := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		embeddings(t, w, r, func(_ int, text string) []float32 { return angle(text) })
	})
	cl, _ := client(t, s)
	vectors, err := cl.Embed(context.Background(), numbered(300))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range vectors {
		if got, want := math.Atan2(float64(v[1]), float64(v[0])), float64(i)/100; len(v) != 2 || math.Abs(got-want) > 1e-5 && math.Abs(got-want+2*math.Pi) > 1e-5 && math.Abs(math.Hypot(float64(v[0]), float64(v[1]))-1) > 1e-5 {
			t.Fatalf("vector %d is %v", i, v)
		}
	}
	if want := int32((300 + embedBatch - 1) / embedBatch); s.calls.Load() != want {
		t.Errorf("%d requests for 300 texts, want %d", s.calls.Load(), want)
	}
	if vectors, err := cl.Embed(context.Background(), nil); len(vectors) != 0 || err != nil {
		t.Errorf("no texts: %v, %v", vectors, err)
	}
}

func TestEmbeddingWaitsAsLongAsTheServerAsks(t *testing.T) {
	for name, c := range map[string]struct {
		header string
		want   time.Duration // -1: between half and all of the first pause
		calls  int32
	}{
		"seconds":         {"12", 12 * time.Second, 2},
		"parts of them":   {"0.25", 250 * time.Millisecond, 2},
		"nothing said":    {"", -1, 2},
		"nonsense":        {"soon", -1, 2},
		"a date past":     {"Mon, 02 Jan 2006 15:04:05 GMT", 0, 2},
		"longer than all": {"3600", 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(call int, w http.ResponseWriter, r *http.Request) {
				if call == 1 {
					w.Header().Set("Retry-After", c.header)
					fail(w, 429, "Rate limit reached")
					return
				}
				embeddings(t, w, r, func(_ int, text string) []float32 { return angle(text) })
			})
			cl, p := client(t, s)
			_, err := cl.Embed(context.Background(), []string{"1"})
			if (err != nil) != (c.calls == 1) || s.calls.Load() != c.calls {
				t.Fatalf("error %v after %d requests", err, s.calls.Load())
			}
			if c.calls == 1 {
				return
			}
			waited := p.all[0]
			if c.want >= 0 && waited != c.want || c.want < 0 && (waited < firstPause/2 || waited > firstPause) {
				t.Errorf("waited %v, want %v", waited, c.want)
			}
		})
	}
}

func TestEmbeddingGivesUpAfterSomeAttempts(t *testing.T) {
	s := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { fail(w, 500, "internal error") })
	cl, p := client(t, s)
	var refusal *Error
	if _, err := cl.Embed(context.Background(), []string{"1"}); !errors.As(err, &refusal) || refusal.Status != 500 || !refusal.Temporary {
		t.Fatalf("error %v", err)
	}
	if s.calls.Load() != embedAttempts || len(p.all) != embedAttempts-1 {
		t.Errorf("%d requests, waits %v", s.calls.Load(), p.all)
	}
	for i, d := range p.all {
		if most := min(firstPause<<i, longestPause); d < most/2 || d > most {
			t.Errorf("wait %d is %v, want between %v and %v", i, d, most/2, most)
		}
	}
}

func TestUnusableVectorsAreRefused(t *testing.T) {
	for name, vector := range map[string]func(i int, text string) []float32{
		"one missing":      func(i int, text string) []float32 { return map[bool][]float32{true: angle(text)}[i > 0] },
		"without length":   func(int, string) []float32 { return []float32{0, 0} },
		"empty":            func(int, string) []float32 { return []float32{} },
		"other dimensions": func(i int, _ string) []float32 { return make1(2 + i) },
	} {
		t.Run(name, func(t *testing.T) {
			cl, _ := client(t, serve(t, func(_ int, w http.ResponseWriter, r *http.Request) { embeddings(t, w, r, vector) }))
			var refusal *Error
			if v, err := cl.Embed(context.Background(), numbered(3)); !errors.As(err, &refusal) {
				t.Errorf("vectors %v, error %v", v, err)
			}
		})
	}
}

func make1(n int) []float32 {
	v := make([]float32, n)
	v[0] = 1
	return v
}

func TestEndedContextEndsTheWaiting(t *testing.T) {
	cl, _ := client(t, serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { fail(w, 503, "overloaded") }))
	ctx, cancel := context.WithCancelCause(context.Background())
	stop := errors.New("shutting down")
	cl.pause = func(ctx context.Context, _ time.Duration) error {
		cancel(stop)
		return pause(ctx, time.Hour)
	}
	if _, err := cl.Embed(ctx, []string{"1"}); !errors.Is(err, stop) {
		t.Errorf("error %v, want %v", err, stop)
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	key := func() (string, error) { return "", nil }
	for name, c := range map[string]Config{
		"no scheme":    {BaseURL: "api.example.com/v1", Key: key, ChatModel: "a", EmbeddingModel: "b"},
		"other scheme": {BaseURL: "file:///etc/passwd", Key: key, ChatModel: "a", EmbeddingModel: "b"},
		"password":     {BaseURL: "https://user:secret@example.com/v1", Key: key, ChatModel: "a", EmbeddingModel: "b"},
		"no model":     {BaseURL: "https://example.com/v1", Key: key, EmbeddingModel: "b"},
		"no key":       {BaseURL: "https://example.com/v1", ChatModel: "a", EmbeddingModel: "b"},
	} {
		if _, err := New(c); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
