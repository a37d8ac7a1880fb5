package ingest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/llm"
	"chatpdf.dev/operator/app/store"
	"chatpdf.dev/operator/app/store/storetest"
)

// embedder is a client of a server that speaks the OpenAI protocol and whose vectors tell how long a
// text is. refuse decides by the number of the request, from 1, what to answer instead; 0 is nothing.
func embedder(t *testing.T, refuse func(request int32) int) *llm.Client {
	t.Helper()
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := refuse(requests.Add(1)); status != 0 {
			http.Error(w, `{"error":{"message":"no"}}`, status)
			return
		}
		var in struct{ Input []string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		type vector struct {
			Index     int       `json:"index"`
			Embedding []float32 `json:"embedding"`
		}
		var out struct {
			Data []vector `json:"data"`
		}
		for i, text := range in.Input {
			out.Data = append(out.Data, vector{i, []float32{float32(len(text)), 1, 0}})
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(out) //nolint:errcheck // the client may have gone
	}))
	t.Cleanup(server.Close)
	client, err := llm.New(llm.Config{BaseURL: server.URL, Key: func() (string, error) { return "key", nil },
		ChatModel: "chat", EmbeddingModel: "embed", Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestWithAModelEveryPassageGetsItsVector(t *testing.T) {
	s := storetest.New(t, replicaSet)
	q, _ := newQueue(t, s)
	q.Embedder, q.Model = embedder(t, func(int32) int { return 0 }), "embed"
	start(t, q)
	owner := storetest.User(t, s)
	job := await(t, s, storetest.Upload(t, s, owner, "book.pdf", book(300)), settled)
	if d := job.Document; d.State != chatpdf.DocumentReady || d.PagesDone != 300 {
		t.Fatalf("%+v %v", job, job.Document.Failure)
	}
	documents, err := s.SearchableDocuments(t.Context(), owner, nil, 10)
	if err != nil || len(documents) != 1 || documents[0].Embedding == nil || *documents[0].Embedding != (store.Embedding{Model: "embed", Dims: 3}) {
		t.Fatalf("%+v %v", documents, err)
	}
	for p, err := range s.Passages(t.Context(), documents[0]) {
		if err != nil || len(p.Vector) != 3 || p.Vector[1] == 0 {
			t.Fatalf("passage %d: %v %v", p.Ordinal, p.Vector, err)
		}
	}
}

func TestARefusedKeyFailsTheDocumentWithAReason(t *testing.T) {
	s := storetest.New(t, replicaSet)
	q, _ := newQueue(t, s)
	q.Embedder = embedder(t, func(int32) int { return http.StatusUnauthorized })
	start(t, q)
	job := await(t, s, storetest.Upload(t, s, storetest.User(t, s), "book.pdf", book(2)), settled)
	if f := job.Document.Failure; f == nil || f.Code != chatpdf.FailureEmbedding || job.Attempts != 1 || !strings.Contains(f.Message, "401") {
		t.Fatalf("%+v %+v", job, f)
	}
}
