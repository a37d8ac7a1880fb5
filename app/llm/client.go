// Package llm talks to a model through any server that speaks the OpenAI protocol.
//
// What holds here:
//
//   - The API key is asked for at each request, so a rotated key works at once, and no error carries it.
//   - Every request, retry and answer is bounded. Nothing is retried after the first streamed byte.
//   - A stream counts as complete only if the server said why it finished; a dropped connection does not.
package llm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	openai "github.com/sashabaranov/go-openai"
)

// Config says which server and models to use.
type Config struct {
	BaseURL        string                 // for instance https://api.openai.com/v1
	Key            func() (string, error) // asked at each request; an empty key sends no Authorization
	ChatModel      string
	EmbeddingModel string
	Timeout        time.Duration // of silence: how long the server may send nothing while it owes something; 0: 60 s
}

// Client is safe for use by many goroutines.
type Client struct {
	config Config
	http   *http.Client
	pause  func(context.Context, time.Duration) error // between attempts
}

// New checks the configuration; it makes no request.
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, errors.New("the base URL of the model server must look like https://api.openai.com/v1, without user or password")
	}
	if c.Key == nil || c.ChatModel == "" || c.EmbeddingModel == "" {
		return nil, errors.New("a model client needs a key function, a chat model and an embedding model")
	}
	c.Timeout = cmp.Or(c.Timeout, time.Minute)
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	return &Client{
		config: c,
		http: &http.Client{
			Transport: &http.Transport{
				Proxy:               http.ProxyFromEnvironment,
				DialContext:         dialer.DialContext,
				TLSHandshakeTimeout: 10 * time.Second,
				ForceAttemptHTTP2:   true,
				MaxIdleConnsPerHost: 8,
				IdleConnTimeout:     90 * time.Second,
			},
			// The protocol has no redirects; following one would take questions elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		pause: pause,
	}, nil
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// session is one use of the server with the key of this moment.
type session struct {
	api *openai.Client
	key string
}

// open makes a session. bounds says how often requests are sent and how long answers may be.
func (c *Client) open(bounds sender) (*session, error) {
	key, err := c.config.Key()
	if err != nil {
		return nil, fmt.Errorf("get the API key of the model server: %w", err)
	}
	key = strings.TrimSpace(key)
	config := openai.DefaultConfig(key)
	config.BaseURL = c.config.BaseURL
	config.EmptyMessagesLimit = maxStream // every comment and blank line counts; the bytes are bounded anyway
	bounds.http, bounds.silence, bounds.pause = c.http, c.config.Timeout, c.pause
	config.HTTPClient = &bounds
	return &session{api: openai.NewClientWithConfig(config), key: key}, nil
}
