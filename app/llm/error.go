package llm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	openai "github.com/sashabaranov/go-openai"
)

// Error is a refusal or failure of the server.
type Error struct {
	Status    int    // HTTP status; 0 if there was no answer
	Message   string // one sentence, never with a key in it
	Temporary bool   // trying later may help
}

// Error makes it an error.
func (e *Error) Error() string { return e.Message }

// explain turns what a request failed with into an *Error, or into the error of ctx if that ended. what
// says what was being done.
func (s *session) explain(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", what, context.Cause(ctx))
	}
	var answer *openai.APIError
	var raw *openai.RequestError
	status, message := 0, err.Error()
	switch {
	case errors.As(err, &answer):
		status, message = answer.HTTPStatusCode, answer.Message
	case errors.As(err, &raw):
		status, message = raw.HTTPStatusCode, string(raw.Body)
	}
	var lost *url.Error
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		message = "it refuses the API key; check the Secret that holds it" // its own words may repeat the key
	case status == 0 && errors.As(err, &lost):
		message = "it cannot be reached: " + lost.Err.Error()
	}
	sentence := fmt.Sprintf("%s: the model server failed: %s", what, s.redact(message))
	if status != 0 {
		sentence = fmt.Sprintf("%s: the model server answered %d: %s", what, status, s.redact(message))
	}
	return &Error{Status: status, Message: sentence, Temporary: status == 0 || isTemporary(status)}
}

var keyLike = regexp.MustCompile(`\b(sk-|Bearer )[A-Za-z0-9_*.\-]{6,}`)

// redact takes keys out of a message of the server, and all but its beginning.
func (s *session) redact(message string) string {
	if len(s.key) > 3 {
		message = strings.ReplaceAll(message, s.key, "[key]")
	}
	message = keyLike.ReplaceAllString(message, "[key]")
	message = strings.Join(strings.Fields(message), " ")
	const most = 300
	if len(message) <= most {
		return message
	}
	cut := most
	for !utf8.RuneStart(message[cut]) {
		cut--
	}
	return message[:cut] + "…"
}

func isTemporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, 529:
		return true
	}
	return false
}
