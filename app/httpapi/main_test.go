package httpapi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatpdf.dev/operator/app/auth"
	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/httpapi"
	"chatpdf.dev/operator/app/retrieve"
	"chatpdf.dev/operator/app/store"
	"chatpdf.dev/operator/app/store/storetest"
	"chatpdf.dev/operator/internal/mongodtest"
)

// replicaSet is shared by the tests of this package; each has a database of its own.
var replicaSet *mongodtest.ReplicaSet

func TestMain(m *testing.M) { os.Exit(mongodtest.Main(m, mongodtest.Options{}, &replicaSet)) }

const (
	password    = "correct-horse-battery"
	maxFileSize = 300 << 10
)

// backend is an API on a database of its own.
type backend struct {
	*httptest.Server
	t        *testing.T
	store    *store.Store
	accounts *auth.Service
	health   *httpapi.Health
	registry *prometheus.Registry
}

func newBackend(t *testing.T, change ...func(*httpapi.Options)) *backend {
	t.Helper()
	return newReplica(t, storetest.New(t, replicaSet), change...)
}

// newReplica is a backend on a given store.
func newReplica(t *testing.T, s *store.Store, change ...func(*httpapi.Options)) *backend {
	t.Helper()
	b := &backend{t: t, store: s, accounts: auth.New(s), health: &httpapi.Health{Store: s, Version: "1.2.3"}, registry: prometheus.NewRegistry()}
	b.health.Prepared()
	o := httpapi.Options{
		Store: s, Auth: b.accounts, Indexes: retrieve.NewCache(1 << 20), Health: b.health, Registry: b.registry,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Version: "1.2.3", Timeout: 10 * time.Second,
		MaxFileSize: maxFileSize, MaxPages: 100, RateLimit: httpapi.RateLimit{PerMinute: 100_000, PerSecond: 10_000, Burst: 10_000},
	}
	for _, c := range change {
		c(&o)
	}
	handler, err := httpapi.New(o)
	if err != nil {
		t.Fatal(err)
	}
	b.Server = httptest.NewServer(handler)
	t.Cleanup(b.Close)
	return b
}

// browser is someone with a session.
type browser struct {
	*http.Client
	t    *testing.T
	url  string
	user chatpdf.UserID
}

// signIn makes an account and signs in to it.
func (b *backend) signIn(name string) *browser {
	b.t.Helper()
	user, err := b.accounts.CreateUser(b.t.Context(), name, password, store.RoleUser)
	if err != nil {
		b.t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	someone := &browser{Client: &http.Client{Jar: jar}, t: b.t, url: b.URL, user: user.ID}
	someone.call(http.MethodPost, "/api/v1/session", map[string]string{"username": name, "password": password}).want(http.StatusNoContent)
	return someone
}

// stranger is someone without a session.
func (b *backend) stranger() *browser {
	return &browser{Client: &http.Client{}, t: b.t, url: b.URL}
}

// reply is an answer that was read whole.
type reply struct {
	*http.Response
	t    *testing.T
	body []byte
}

// call sends JSON, or a body as it is with headers in pairs.
func (b *browser) call(method, path string, body any, headers ...string) *reply {
	b.t.Helper()
	reader, ok := body.(io.Reader)
	if !ok && body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			b.t.Fatal(err)
		}
		reader = bytes.NewReader(encoded)
		headers = append([]string{"Content-Type", "application/json"}, headers...)
	}
	request, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, reader)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := b.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	r := &reply{Response: response, t: b.t}
	if r.body, err = io.ReadAll(response.Body); err != nil {
		b.t.Fatal(err)
	}
	return r
}

// want checks the status; a refusal must be a problem with a sentence.
func (r *reply) want(status int) *reply {
	r.t.Helper()
	if r.StatusCode != status {
		r.t.Fatalf("%s %s: status %d, want %d: %s", r.Request.Method, r.Request.URL.Path, r.StatusCode, status, r.body)
	}
	if status >= 400 {
		var problem struct {
			Status        int
			Title, Detail string
		}
		if err := json.Unmarshal(r.body, &problem); err != nil || problem.Status != status || problem.Detail == "" || problem.Title == "" ||
			r.Header.Get("Content-Type") != "application/problem+json" {
			r.t.Fatalf("%s %s: not a problem: %s %s", r.Request.Method, r.Request.URL.Path, r.Header.Get("Content-Type"), r.body)
		}
	}
	return r
}

// into decodes the body.
func (r *reply) into(out any) {
	r.t.Helper()
	if err := json.Unmarshal(r.body, out); err != nil {
		r.t.Fatalf("%s: %v", r.body, err)
	}
}

// form is a multipart form with one file.
func form(t *testing.T, field, name string, content []byte) (io.Reader, string) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile(field, name)
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return &body, w.FormDataContentType()
}

func (b *browser) upload(name string, content []byte) *reply {
	b.t.Helper()
	body, kind := form(b.t, "file", name, content)
	return b.call(http.MethodPost, "/api/v1/documents", body, "Content-Type", kind)
}
