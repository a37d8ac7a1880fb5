package frontdoor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// maxResponse bounds what is read of one JSON response, in bytes.
const maxResponse = 8 << 20

// Client is one signed-in browser, as it were. It is safe for use by one goroutine at a time.
type Client struct {
	base *url.URL
	http *http.Client
}

// New makes a client of the front door at base, such as http://127.0.0.1:8080.
func New(base string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("front door %q: not a URL such as http://127.0.0.1:8080", base)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &Client{base: u, http: &http.Client{Jar: jar, Timeout: 2 * time.Minute}}, nil
}

// Problem is an RFC 9457 problem answered by the API.
type Problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

// Error says what the server said.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return fmt.Sprintf("the server answered %d %s", p.Status, p.Title)
	}
	return fmt.Sprintf("the server answered %d: %s", p.Status, p.Detail)
}

// Health is the answer of GET /health.
type Health struct {
	Status  string `json:"status"`
	Version string `json:"version"`
}

// Health asks how the application is.
func (c *Client) Health(ctx context.Context) (Health, error) {
	var h Health
	err := c.json(ctx, http.MethodGet, "/health", nil, &h)
	return h, err
}

// SignIn starts a session; later calls belong to it.
func (c *Client) SignIn(ctx context.Context, username, password string) error {
	body := map[string]string{"username": username, "password": password}
	if err := c.json(ctx, http.MethodPost, "/api/v1/session", body, nil); err != nil {
		return fmt.Errorf("signing in as %s: %w", username, err)
	}
	return nil
}

// Failure says why a document could not be taken in.
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Document is a document as the API shows it.
type Document struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	State     string   `json:"state"`
	Pages     int      `json:"pages"`
	PagesDone int      `json:"pagesDone"`
	Failure   *Failure `json:"failure"`
}

// Upload sends a PDF as a browser does, streaming it, and answers the document that the server made
// of it, or found if it had the same bytes already.
func (c *Client) Upload(ctx context.Context, name string, pdf io.Reader) (Document, error) {
	reader, writer := io.Pipe()
	form := multipart.NewWriter(writer)
	go func() {
		part, err := form.CreateFormFile("file", name)
		if err == nil {
			_, err = io.Copy(part, pdf)
		}
		if err == nil {
			err = form.Close()
		}
		writer.CloseWithError(err)
	}()
	defer reader.Close()

	request, err := c.request(ctx, http.MethodPost, "/api/v1/documents", reader)
	if err != nil {
		return Document{}, err
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	var answer struct {
		Document Document `json:"document"`
	}
	if err := c.do(request, &answer); err != nil {
		return Document{}, fmt.Errorf("uploading %s: %w", name, err)
	}
	return answer.Document, nil
}

// Document looks at one document.
func (c *Client) Document(ctx context.Context, id string) (Document, error) {
	var d Document
	err := c.json(ctx, http.MethodGet, "/api/v1/documents/"+url.PathEscape(id), nil, &d)
	return d, err
}

// Documents lists the documents of the account, the first hundred.
func (c *Client) Documents(ctx context.Context) ([]Document, error) {
	var list struct {
		Documents []Document `json:"documents"`
	}
	err := c.json(ctx, http.MethodGet, "/api/v1/documents", nil, &list)
	return list.Documents, err
}

// Delete removes a document with all that was made of it.
func (c *Client) Delete(ctx context.Context, id string) error {
	return c.json(ctx, http.MethodDelete, "/api/v1/documents/"+url.PathEscape(id), nil, nil)
}

// ErrNotRead is wrapped by WaitUntilRead when the document failed for good.
var ErrNotRead = errors.New("the document could not be read")

// WaitUntilRead waits until the document is ready to be asked about, telling seen how far it is.
func (c *Client) WaitUntilRead(ctx context.Context, id string, seen func(Document)) (Document, error) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		document, err := c.Document(ctx, id)
		var problem *Problem
		switch {
		case errors.As(err, &problem) && problem.Status < 500 && problem.Status != http.StatusTooManyRequests:
			return document, err
		case err == nil:
			seen(document)
			switch document.State {
			case "ready":
				return document, nil
			case "failed":
				if document.Failure != nil {
					return document, fmt.Errorf("%w: %s", ErrNotRead, document.Failure.Message)
				}
				return document, ErrNotRead
			}
		}
		select {
		case <-ctx.Done():
			return document, fmt.Errorf("waiting for %s to be read (state %s): %w", id, document.State, errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}

// Rect is a rectangle as fractions of the page, origin in the upper left corner.
type Rect struct {
	X0 float64 `json:"x0"`
	Y0 float64 `json:"y0"`
	X1 float64 `json:"x1"`
	Y1 float64 `json:"y1"`
}

// Citation is where a statement comes from.
type Citation struct {
	ID           int    `json:"id"`
	DocumentID   string `json:"documentId"`
	DocumentName string `json:"documentName"`
	Page         int    `json:"page"`
	Quote        string `json:"quote"`
	Rects        []Rect `json:"rects"`
}

// ModeGenerated is the mode of an answer that a model has worded.
const ModeGenerated = "generated"

// Answer is what the application answered.
type Answer struct {
	Mode      string     `json:"mode"`
	Text      string     `json:"text"`
	Complete  bool       `json:"complete"`
	Citations []Citation `json:"citations"`
}

// Ask asks a question about some documents, or about all if none is named.
func (c *Client) Ask(ctx context.Context, question string, documents ...string) (Answer, error) {
	body := map[string]any{"question": question}
	if len(documents) > 0 {
		body["documentIds"] = documents
	}
	var answer Answer
	if err := c.json(ctx, http.MethodPost, "/api/v1/questions", body, &answer); err != nil {
		return Answer{}, fmt.Errorf("asking: %w", err)
	}
	return answer, nil
}

func (c *Client) json(ctx context.Context, method, path string, body, into any) error {
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(raw)
	}
	request, err := c.request(ctx, method, path, reader)
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return c.do(request, into)
}

func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(path).String(), body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	return request, nil
}

func (c *Client) do(request *http.Request, into any) error {
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body := io.LimitReader(response.Body, maxResponse)
	if response.StatusCode >= 400 {
		problem := &Problem{Status: response.StatusCode, Title: http.StatusText(response.StatusCode)}
		if strings.Contains(response.Header.Get("Content-Type"), "json") {
			if err := json.NewDecoder(body).Decode(problem); err != nil {
				return fmt.Errorf("%s %s answered %s with a body that is not JSON: %w", request.Method, request.URL.Path, response.Status, err)
			}
		}
		return problem
	}
	if into == nil || response.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.NewDecoder(body).Decode(into); err != nil {
		return fmt.Errorf("%s %s: reading the answer: %w", request.Method, request.URL.Path, err)
	}
	return nil
}
