package llm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	maxErrorBody  = 64 << 10
	maxRetryAfter = 60 * time.Second // a server that wants longer is not worth holding a request for
	firstPause    = 500 * time.Millisecond
	longestPause  = 20 * time.Second
)

var (
	errSilence = errors.New("it sent nothing for too long")
	errTooLong = errors.New("its answer is longer than any real one")
)

// sender sends requests, again where that helps, and bounds what comes back. go-openai knows neither
// retries nor limits.
type sender struct {
	http     *http.Client
	silence  time.Duration
	attempts int
	maxBody  int64
	maxLine  int
	pause    func(context.Context, time.Duration) error
}

// Do implements openai.HTTPDoer. An answer that is no error is handed on as it comes and never retried.
func (s *sender) Do(request *http.Request) (*http.Response, error) {
	for attempt := 1; ; attempt++ {
		response, err := s.once(request)
		wait, again := retryAfter(response, err, attempt)
		if !again || attempt >= s.attempts || request.Context().Err() != nil {
			return response, err
		}
		if response != nil {
			response.Body.Close()
		}
		if err := s.pause(request.Context(), wait); err != nil {
			return nil, err
		}
		if request.GetBody != nil {
			body, err := request.GetBody()
			if err != nil {
				return nil, fmt.Errorf("send the request again: %w", err)
			}
			request.Body = body
		}
	}
}

// once sends a request. The body of an error is read at once, so that it can be judged.
func (s *sender) once(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(request.Context())
	timer := time.AfterFunc(s.silence, func() { cancel(errSilence) })
	response, err := s.http.Do(request.WithContext(ctx))
	if err != nil {
		timer.Stop()
		if errors.Is(context.Cause(ctx), errSilence) {
			err = errSilence
		}
		cancel(nil)
		return nil, err
	}
	timer.Stop()
	body := &boundedBody{inner: response.Body, ctx: ctx, cancel: cancel, timer: timer, silence: s.silence, left: s.maxBody, maxLine: s.maxLine}
	response.Body = body
	if response.StatusCode < 300 {
		return response, nil
	}
	body.left = maxErrorBody
	data, err := io.ReadAll(body)
	body.Close()
	if err != nil && !errors.Is(err, errTooLong) {
		return nil, err
	}
	if response.StatusCode < 400 { // a redirect, which go-openai would take for an answer
		response.StatusCode, response.Status = http.StatusBadGateway, "502 redirect"
		data = []byte("it redirects to another address; set the base URL to that")
	}
	response.Body = io.NopCloser(bytes.NewReader(data))
	response.ContentLength = int64(len(data))
	return response, nil
}

// retryAfter says whether a request should be sent again and when: as the server wishes, else after a
// time that doubles with each attempt, with chance in it so that clients spread out.
func retryAfter(response *http.Response, err error, attempt int) (time.Duration, bool) {
	backoff := min(firstPause<<(attempt-1), longestPause)
	backoff = backoff/2 + rand.N(backoff/2+1) //nolint:gosec // chance only spreads clients out here
	if err != nil {
		return backoff, !errors.Is(err, errSilence) // a request that hung once would hang again
	}
	if !isTemporary(response.StatusCode) {
		return 0, false
	}
	if response.StatusCode == http.StatusTooManyRequests && mentions(response, "insufficient_quota") {
		return 0, false // paying helps, waiting does not
	}
	wish := response.Header.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(wish, 64); err == nil && seconds >= 0 {
		d := time.Duration(min(seconds, 1e6) * float64(time.Second))
		return d, d <= maxRetryAfter
	}
	if at, err := http.ParseTime(wish); err == nil {
		d := max(time.Until(at), 0)
		return d, d <= maxRetryAfter
	}
	return backoff, true
}

// mentions looks into the body of an error, which is in memory, and leaves it as it was.
func mentions(response *http.Response, word string) bool {
	data, err := io.ReadAll(response.Body)
	response.Body = io.NopCloser(bytes.NewReader(data))
	return err == nil && bytes.Contains(data, []byte(word))
}

// boundedBody ends an answer that is silent for too long, too long, or has too long a line: go-openai
// reads lines without a limit.
type boundedBody struct {
	inner   io.ReadCloser
	ctx     context.Context
	cancel  context.CancelCauseFunc
	timer   *time.Timer // runs while the server owes something, not while the reader takes its time
	silence time.Duration
	left    int64
	maxLine int
	line    int // bytes of the current line so far
}

func (b *boundedBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.silence)
	n, err := b.inner.Read(p)
	b.timer.Stop()
	if err != nil && errors.Is(context.Cause(b.ctx), errSilence) {
		return n, errSilence
	}
	b.line += n
	if i := bytes.LastIndexByte(p[:n], '\n'); i >= 0 {
		b.line = n - i - 1
	}
	if b.left -= int64(n); b.left < 0 || b.line > b.maxLine {
		return 0, errTooLong
	}
	return n, err
}

func (b *boundedBody) Close() error {
	b.timer.Stop()
	b.cancel(nil)
	return b.inner.Close()
}
