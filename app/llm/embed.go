package llm

import (
	"context"
	"fmt"
	"math"
	"time"

	openai "github.com/sashabaranov/go-openai"
	"golang.org/x/sync/errgroup"
)

const (
	embedBatch    = 16 // texts a request: a local server on two cores needs seconds for that many passages
	embedParallel = 3  // requests at a time
	embedAttempts = 5
	embedTime     = 10 * time.Minute // for all attempts of a batch
	maxEmbedding  = 64 << 20         // bytes of an answer: 16 vectors of 3072 numbers are 1 MB
)

// Embed returns one normalised vector for each text, all of the same length, in order. Texts are sent
// in batches, a few at a time; requests that the server asks to repeat later are repeated a bounded
// number of times.
func (c *Client) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	vectors := make([][]float32, len(texts))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(embedParallel)
	for start := 0; start < len(texts); start += embedBatch {
		end := min(start+embedBatch, len(texts))
		group.Go(func() error { return c.embedBatch(groupCtx, texts[start:end], vectors[start:end]) })
	}
	if err := group.Wait(); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("embed %d texts: %w", len(texts), context.Cause(ctx))
		}
		return nil, err
	}
	for i, v := range vectors {
		if len(v) != len(vectors[0]) {
			return nil, &Error{Message: fmt.Sprintf("embed %d texts: the model server sent vectors of %d and of %d dimensions; text %d differs", len(texts), len(vectors[0]), len(v), i)}
		}
	}
	return vectors, nil
}

// embedBatch fills vectors with those of texts.
func (c *Client) embedBatch(ctx context.Context, texts []string, vectors [][]float32) error {
	ctx, cancel := context.WithTimeout(ctx, embedTime)
	defer cancel()
	what := fmt.Sprintf("embed %d texts", len(texts))
	s, err := c.open(sender{attempts: embedAttempts, maxBody: maxEmbedding, maxLine: maxEmbedding})
	if err != nil {
		return err
	}
	answer, err := s.api.CreateEmbeddings(ctx, openai.EmbeddingRequest{Input: texts, Model: openai.EmbeddingModel(c.config.EmbeddingModel)})
	if err != nil {
		return s.explain(ctx, what, err)
	}
	if len(answer.Data) != len(texts) {
		return &Error{Message: fmt.Sprintf("%s: the model server sent %d vectors", what, len(answer.Data))}
	}
	for _, e := range answer.Data {
		if e.Index < 0 || e.Index >= len(vectors) || vectors[e.Index] != nil || !normalise(e.Embedding) {
			return &Error{Message: fmt.Sprintf("%s: the model server sent no usable vector for one of them", what)}
		}
		vectors[e.Index] = e.Embedding
	}
	return nil
}

// normalise brings a vector to length 1; false if it has no direction.
func normalise(v []float32) bool {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if !(sum > 0) || math.IsInf(sum, 0) {
		return false
	}
	scale := float32(1 / math.Sqrt(sum))
	for i := range v {
		v[i] *= scale
	}
	return true
}
