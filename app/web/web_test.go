package web_test

import (
	"bufio"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatpdf.dev/operator/app/web"
)

const maxFileSize = 64 << 10

// page is a page as the build leaves it.
var page = fstest.MapFS{
	".gitkeep":               {},
	"index.html":             {Data: []byte("<!doctype html><title>page</title>")},
	"index.html.gz":          {Data: []byte("gzipped page")},
	"assets/app-3f2a.js":     {Data: []byte("export {}")},
	"assets/app-3f2a.js.br":  {Data: []byte("brotli")},
	"assets/app-3f2a.js.gz":  {Data: []byte("gzip")},
	"assets/font-1.woff2":    {Data: []byte("font")},
	"assets/cmaps/Add.bcmap": {Data: []byte("map")},
}

// frontend serves the page in front of a backend.
func frontend(t *testing.T, backend http.HandlerFunc) *httptest.Server {
	t.Helper()
	b := httptest.NewServer(backend)
	t.Cleanup(b.Close)
	return frontendOf(t, b.URL)
}

func frontendOf(t *testing.T, backend string) *httptest.Server {
	t.Helper()
	u, err := url.Parse(backend)
	if err != nil {
		t.Fatal(err)
	}
	h, err := web.New(web.Options{Page: page, Backend: u, MaxFileSize: maxFileSize, Timeout: 5 * time.Second,
		Registry: prometheus.NewRegistry(), Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Health: &web.Health{}})
	if err != nil {
		t.Fatal(err)
	}
	f := httptest.NewServer(h)
	t.Cleanup(f.Close)
	return f
}

// reply is an answer that was read whole.
type reply struct {
	status int
	header http.Header
	body   string
}

// call asks with headers in pairs and without unpacking the answer.
func call(t *testing.T, method, address string, body io.Reader, headers ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(text)}
}

func TestWithoutAPageItDoesNotStart(t *testing.T) {
	_, err := web.New(web.Options{Page: fstest.MapFS{".gitkeep": {}}, Registry: prometheus.NewRegistry()})
	if err == nil || !strings.Contains(err.Error(), "npm run build") {
		t.Fatalf("%v", err)
	}
}

func TestFilesAreServedAsTheyAre(t *testing.T) {
	f := frontend(t, http.NotFound)
	for name, test := range map[string]struct {
		path, accept string
		status       int
		body         string
		kind         string
		encoding     string
		cacheControl string
	}{
		"the page":                 {"/", "", 200, "<!doctype html><title>page</title>", "text/html; charset=utf-8", "", "no-cache"},
		"a route of the page":      {"/documents/abc", "", 200, "<!doctype html><title>page</title>", "text/html; charset=utf-8", "", "no-cache"},
		"the page, compressed":     {"/", "gzip, br", 200, "gzipped page", "text/html; charset=utf-8", "gzip", "no-cache"},
		"an asset":                 {"/assets/app-3f2a.js", "", 200, "export {}", "text/javascript; charset=utf-8", "", "public, max-age=31536000, immutable"},
		"an asset, brotli":         {"/assets/app-3f2a.js", "gzip, deflate, br", 200, "brotli", "text/javascript; charset=utf-8", "br", "public, max-age=31536000, immutable"},
		"an asset, gzip":           {"/assets/app-3f2a.js", "gzip, br;q=0", 200, "gzip", "text/javascript; charset=utf-8", "gzip", "public, max-age=31536000, immutable"},
		"no compressed copy":       {"/assets/font-1.woff2", "br", 200, "font", "font/woff2", "", "public, max-age=31536000, immutable"},
		"a character map":          {"/assets/cmaps/Add.bcmap", "", 200, "map", "application/octet-stream", "", "public, max-age=31536000, immutable"},
		"an unknown asset":         {"/assets/app-0000.js", "", 404, "", "application/problem+json", "", "no-store"},
		"an asset without a dot":   {"/assets/x", "", 404, "", "application/problem+json", "", "no-store"},
		"an unknown file":          {"/robots.txt", "", 404, "", "application/problem+json", "", "no-store"},
		"a compressed copy itself": {"/assets/app-3f2a.js.br", "", 404, "", "application/problem+json", "", "no-store"},
		"not part of the page":     {"/.gitkeep", "", 404, "", "application/problem+json", "", "no-store"},
	} {
		t.Run(name, func(t *testing.T) {
			r := call(t, http.MethodGet, f.URL+test.path, nil, "Accept-Encoding", test.accept)
			if r.status != test.status || (test.body != "" && r.body != test.body) || r.header.Get("Content-Type") != test.kind ||
				r.header.Get("Content-Encoding") != test.encoding || r.header.Get("Cache-Control") != test.cacheControl {
				t.Fatalf("%+v", r)
			}
			wantSecurityHeaders(t, r)
		})
	}
}

func TestThePageIsAskedForAnewButSentOnlyIfItChanged(t *testing.T) {
	f := frontend(t, http.NotFound)
	r := call(t, http.MethodGet, f.URL, nil)
	again := call(t, http.MethodGet, f.URL, nil, "If-None-Match", r.header.Get("ETag"))
	if r.header.Get("ETag") == "" || again.status != http.StatusNotModified || again.body != "" {
		t.Fatalf("%+v", again)
	}
	if post := call(t, http.MethodPost, f.URL, nil); post.status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", post.status)
	}
}

func TestRequestsReachTheBackendWithTheTruthAboutTheirClient(t *testing.T) {
	var seen *http.Request
	f := frontend(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r
		w.Header().Set("Content-Security-Policy", "sandbox")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("X-Request-Id", r.Header.Get("X-Request-Id"))
		http.SetCookie(w, &http.Cookie{Name: "chatpdf", Value: "v"})
		w.WriteHeader(http.StatusTeapot)
	})
	r := call(t, http.MethodGet, f.URL+"/api/v1/documents?limit=5", nil, "X-Forwarded-For", "203.0.113.9", "X-Forwarded-Proto", "https",
		"Cookie", "chatpdf=abc", "Forwarded", "for=1.2.3.4")
	if seen.URL.String() != "/api/v1/documents?limit=5" || seen.Host != strings.TrimPrefix(f.URL, "http://") || seen.Header.Get("Cookie") != "chatpdf=abc" {
		t.Errorf("the backend saw %s of %s, %v", seen.URL, seen.Host, seen.Header)
	}
	if got := seen.Header.Get("X-Forwarded-For"); got != "203.0.113.9, 127.0.0.1" {
		t.Errorf("X-Forwarded-For: %s", got)
	}
	if seen.Header.Get("X-Forwarded-Proto") != "https" || seen.Header.Get("Forwarded") != "" {
		t.Errorf("headers %v", seen.Header)
	}
	if r.status != http.StatusTeapot || r.header.Get("Set-Cookie") == "" || r.header.Get("Content-Security-Policy") != "sandbox" ||
		len(r.header.Values("X-Content-Type-Options")) != 1 || len(r.header.Values("X-Request-Id")) != 1 || r.header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%d %v", r.status, r.header)
	}
}

func TestEventsPassAsTheyCome(t *testing.T) {
	goOn := make(chan struct{})
	gone := make(chan struct{})
	f := frontend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: one\n\n") //nolint:errcheck // the client may have gone
		w.(http.Flusher).Flush()
		<-goOn
		io.WriteString(w, "data: two\n\n") //nolint:errcheck // the client may have gone
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(gone)
	})
	response, err := http.Post(f.URL+"/api/v1/questions", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(response.Body)
	lines.Scan()
	if lines.Text() != "data: one" {
		t.Fatal(lines.Text())
	}
	close(goOn) // the first event was here before the second was sent
	lines.Scan()
	lines.Scan()
	if lines.Text() != "data: two" {
		t.Fatal(lines.Text())
	}
	response.Body.Close()
	<-gone
}

func TestABodyTooLargeIsRefusedBeforeTheBackendTakesIt(t *testing.T) {
	f := frontend(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) //nolint:errcheck // the status tells
		w.WriteHeader(http.StatusAccepted)
	})
	large := strings.Repeat("x", maxFileSize+256<<10)
	for name, body := range map[string]io.Reader{"of known length": strings.NewReader(large), "of unknown length": io.MultiReader(strings.NewReader(large))} {
		r := call(t, http.MethodPost, f.URL+"/api/v1/documents", body)
		if r.status != http.StatusRequestEntityTooLarge || r.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d", name, r.status)
		}
		wantSecurityHeaders(t, r)
	}
	if r := call(t, http.MethodPost, f.URL+"/api/v1/documents", strings.NewReader(large[:maxFileSize])); r.status != http.StatusAccepted {
		t.Errorf("a file that fits: %d", r.status)
	}
}

func TestABackendThatIsAwayIsAProblemAndNoReasonToRestart(t *testing.T) {
	f := frontendOf(t, "http://127.0.0.1:1")
	for path, want := range map[string]int{"/api/v1/session": http.StatusBadGateway, "/health": http.StatusBadGateway,
		"/livez": http.StatusOK, "/readyz": http.StatusOK, "/": http.StatusOK} {
		r := call(t, http.MethodGet, f.URL+path, nil)
		if r.status != want {
			t.Errorf("%s: %d, want %d", path, r.status, want)
		}
		wantSecurityHeaders(t, r)
	}
}

func wantSecurityHeaders(t *testing.T, r reply) {
	t.Helper()
	policy := r.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "style-src 'self'", "img-src 'self' blob: data:",
		"connect-src 'self'", "worker-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "object-src 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("no %s in the policy %q", want, policy)
		}
	}
	if strings.Contains(policy, "unsafe-inline") || strings.Contains(policy, "'unsafe-eval'") {
		t.Errorf("policy %q", policy)
	}
	for name, want := range map[string]string{"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if r.header.Get("Permissions-Policy") == "" || r.header.Get("Strict-Transport-Security") != "" {
		t.Errorf("%v", r.header)
	}
}
