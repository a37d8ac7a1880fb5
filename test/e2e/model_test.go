//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/frontdoor"
)

const modelKey = "sk-e2e-0123456789abcdef"

// standIn speaks the OpenAI protocol on the host's loopback address. It stands in for a model, of
// which none that answers well runs here: it embeds by hashing words, and answers with the sentence
// that the prompt shows first.
type standIn struct {
	*httptest.Server
	embeddings, completions, refused atomic.Int32
}

func newStandIn(t *testing.T) *standIn {
	t.Helper()
	s := &standIn{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/embeddings", func(w http.ResponseWriter, r *http.Request) {
		var request struct{ Input []string }
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.embeddings.Add(1)
		var data []map[string]any
		for i, text := range request.Input {
			data = append(data, map[string]any{"object": "embedding", "index": i, "embedding": hashed(text)})
		}
		json.NewEncoder(w).Encode(map[string]any{"object": "list", "data": data}) //nolint:errcheck // the test sees it
	})
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, _ *http.Request) {
		s.completions.Add(1)
		w.Header().Set("Content-Type", "text/event-stream")
		for _, piece := range []string{"It stands ", "in the first sentence [1]."} {
			fmt.Fprintf(w, "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n", piece)
			w.(http.Flusher).Flush()
		}
		fmt.Fprint(w, "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	})
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+modelKey {
			s.refused.Add(1)
			http.Error(w, `{"error":{"message":"wrong key"}}`, http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// hashed is a bag of words: texts that share words lie near each other.
func hashed(text string) []float32 {
	vector := make([]float32, 64)
	vector[0] = 0.01
	for word := range strings.FieldsSeq(strings.ToLower(text)) {
		h := fnv.New32a()
		h.Write([]byte(word))
		vector[h.Sum32()%64]++
	}
	return vector
}

// A key makes a model write the answers: pods reach the one server that was named, and citations are
// the same as without.
func TestAModelWritesTheAnswerWhereAKeyIsGiven(t *testing.T) {
	besideOthers(t)
	server := newStandIn(t)
	reached, err := cluster.Relay(t.Context(), server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ns := namespace(t, "model")
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "openai"}, StringData: map[string]string{"api-key": modelKey + "\n"}}
	if err := cluster.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	deployment := sample(t, "minimal", ns)
	deployment.Spec.LLM = v1alpha1.LLMSpec{
		BaseURL: "http://" + reached + "/v1", APIKeySecretRef: &v1alpha1.SecretKeyRef{Name: "openai", Key: "api-key"},
	}
	key := create(t, deployment)
	ready(t, key)
	user := door(t, key)
	document := upload(t, user, "handbook.pdf", handbook(t))
	eventually(t, "an answer by the model", func(ctx context.Context) error {
		answer, err := user.Ask(ctx, handbookQuestion, document.ID)
		if err != nil {
			return err
		}
		if answer.Mode != frontdoor.ModeGenerated || !strings.HasPrefix(answer.Text, "It stands in the first sentence [1]") {
			return fmt.Errorf("%s: %q", answer.Mode, answer.Text)
		}
		return frontdoor.CheckCited(answer, document)
	})
	if server.embeddings.Load() == 0 || server.completions.Load() == 0 || server.refused.Load() > 0 {
		t.Errorf("the server was asked for %d embeddings and %d answers, and %d times with another key",
			server.embeddings.Load(), server.completions.Load(), server.refused.Load())
	}
}
