package llm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"chatpdf.dev/operator/app/chatpdf"
)

const (
	chatAttempts    = 3
	chatTime        = 10 * time.Minute // for one answer
	maxAnswerTokens = 2048             // what an answer may cost; the models think in it too
	maxAnswer       = 64 << 10         // bytes of text
	maxStream       = 16 << 20         // bytes of a stream: each token comes in a few hundred
	maxStreamLine   = 1 << 20
)

// Message is one turn of a conversation.
type Message struct {
	Role    string // RoleSystem or RoleUser
	Content string
}

// Who speaks in a Message.
const (
	RoleSystem = "system"
	RoleUser   = "user"
)

// Completion is how a chat ended.
type Completion struct {
	Complete bool          // the server said why it finished, and it was not for lack of room
	Reason   string        // finish_reason as sent; empty when the stream broke off
	Usage    chatpdf.Usage // zero where the server gives none
}

// Chat streams the model's answer to onText, piece by piece. A stream that breaks off after its first
// piece is no error: Completion.Complete is false. An error of onText ends the chat and is returned.
func (c *Client) Chat(ctx context.Context, messages []Message, onText func(string) error) (Completion, error) {
	ctx, cancel := context.WithTimeout(ctx, chatTime)
	defer cancel()
	const what = "ask the model"
	s, err := c.open(sender{attempts: chatAttempts, maxBody: maxStream, maxLine: maxStreamLine})
	if err != nil {
		return Completion{}, err
	}
	stream, err := s.startChat(ctx, c.config.ChatModel, messages)
	if err != nil {
		return Completion{}, s.explain(ctx, what, err)
	}
	defer stream.Close()
	var end Completion
	written := 0
	for {
		chunk, err := stream.Recv()
		// io.EOF comes after [DONE] and after a lost connection alike; only a finish reason tells.
		if err != nil && (ctx.Err() != nil || written == 0 && end.Reason == "" && !errors.Is(err, io.EOF)) {
			return end, s.explain(ctx, what, err)
		}
		if err != nil {
			if written == 0 && end.Reason == "" {
				return end, &Error{Message: what + ": the model server ended its answer before it began", Temporary: true}
			}
			return end, nil
		}
		text := end.take(chunk)
		if text == "" {
			continue
		}
		if written += len(text); written > maxAnswer {
			end.Complete = false
			return end, nil
		}
		if err := onText(text); err != nil {
			return end, err
		}
	}
}

// startChat begins a stream. Servers that do not know how to count in a stream are asked again without.
func (s *session) startChat(ctx context.Context, model string, messages []Message) (*openai.ChatCompletionStream, error) {
	request := openai.ChatCompletionRequest{
		Model:               model,
		MaxCompletionTokens: maxAnswerTokens,
		StreamOptions:       &openai.StreamOptions{IncludeUsage: true},
	}
	for _, m := range messages {
		request.Messages = append(request.Messages, openai.ChatCompletionMessage{Role: m.Role, Content: m.Content})
	}
	stream, err := s.api.CreateChatCompletionStream(ctx, request)
	if refused(err) {
		request.StreamOptions = nil
		stream, err = s.api.CreateChatCompletionStream(ctx, request)
	}
	if err != nil {
		return nil, err
	}
	if kind := stream.Header().Get("Content-Type"); kind != "" && !strings.HasPrefix(kind, "text/event-stream") {
		stream.Close()
		return nil, fmt.Errorf("it answered with %s instead of a stream", kind)
	}
	return stream, nil
}

// refused says that the server does not know stream_options.
func refused(err error) bool {
	var answer *openai.APIError
	if errors.As(err, &answer) && (answer.HTTPStatusCode == http.StatusBadRequest || answer.HTTPStatusCode == http.StatusUnprocessableEntity) {
		return strings.Contains(answer.Message, "stream_options")
	}
	var raw *openai.RequestError
	return errors.As(err, &raw) && raw.HTTPStatusCode < http.StatusInternalServerError && strings.Contains(string(raw.Body), "stream_options")
}

// take notes what a chunk says about the end and gives its text.
func (end *Completion) take(chunk openai.ChatCompletionStreamResponse) string {
	if chunk.Usage != nil {
		end.Usage = chatpdf.Usage{PromptTokens: chunk.Usage.PromptTokens, CompletionTokens: chunk.Usage.CompletionTokens}
	}
	if len(chunk.Choices) == 0 {
		return ""
	}
	choice := chunk.Choices[0]
	if choice.FinishReason != "" && choice.FinishReason != openai.FinishReasonNull {
		end.Reason = string(choice.FinishReason)
		end.Complete = choice.FinishReason != openai.FinishReasonLength && choice.FinishReason != openai.FinishReasonContentFilter
	}
	return choice.Delta.Content
}
