package httpapi_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"chatpdf.dev/operator/app/httpapi"
	"chatpdf.dev/operator/app/store/storetest"
)

func TestTheMinutesAllowanceIsSharedByReplicas(t *testing.T) {
	limit := func(o *httpapi.Options) {
		o.RateLimit = httpapi.RateLimit{PerMinute: 30, PerSecond: 10_000, Burst: 10_000}
	}
	first := newBackend(t, limit)
	second := newReplica(t, first.store, limit)
	allowed, refused := 0, 0
	for range 100 {
		for _, b := range []*backend{first, second} {
			r := b.stranger().call(http.MethodGet, "/api/openapi.json", nil)
			remaining, err := strconv.Atoi(r.Header.Get("RateLimit-Remaining"))
			if err != nil || r.Header.Get("RateLimit-Limit") != "30" || r.Header.Get("RateLimit-Reset") == "" {
				t.Fatalf("headers %v", r.Header)
			}
			if r.StatusCode == http.StatusTooManyRequests {
				r.want(http.StatusTooManyRequests)
				if refused++; r.Header.Get("Retry-After") == "" || remaining != 0 {
					t.Fatalf("refused with headers %v", r.Header)
				}
				continue
			}
			r.want(http.StatusOK)
			allowed++
		}
	}
	// A minute may end in the middle of the test, and then there is a second allowance.
	if allowed < 30 || allowed > 60 || refused == 0 {
		t.Errorf("%d allowed, %d refused", allowed, refused)
	}
}

func TestABurstIsLimitedPerClient(t *testing.T) {
	b := newBackend(t, func(o *httpapi.Options) { o.RateLimit = httpapi.RateLimit{PerMinute: 1000, PerSecond: 1, Burst: 3} })
	refused := 0
	for range 10 {
		if b.stranger().call(http.MethodGet, "/api/openapi.json", nil, "X-Forwarded-For", "203.0.113.1, 192.0.2.1").StatusCode == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused == 0 {
		t.Error("a burst of ten passed a limit of three")
	}
	// What a client writes in front of the last entry is no way to become another client.
	b.stranger().call(http.MethodGet, "/api/openapi.json", nil, "X-Forwarded-For", "203.0.113.99, 192.0.2.1").want(http.StatusTooManyRequests)
	b.stranger().call(http.MethodGet, "/api/openapi.json", nil, "X-Forwarded-For", "192.0.2.2").want(http.StatusOK)
	if code := b.stranger().call(http.MethodGet, "/livez", nil, "X-Forwarded-For", "192.0.2.1").StatusCode; code != http.StatusOK {
		t.Errorf("a probe was limited: %d", code)
	}
}

func TestHealthNamesWhatIsWrong(t *testing.T) {
	b := newBackend(t)
	var report struct {
		Status, Version string
		Checks          map[string]string
	}
	b.stranger().call(http.MethodGet, "/health", nil).want(http.StatusOK).into(&report)
	if report.Status != "healthy" || report.Version != "1.2.3" || report.Checks["database"] != "ok" {
		t.Errorf("%+v", report)
	}
	b.health.Stopping()
	r := b.stranger().call(http.MethodGet, "/readyz", nil)
	r.into(&report)
	if r.StatusCode != http.StatusServiceUnavailable || report.Status != "unhealthy" || report.Checks["process"] != "stopping" {
		t.Errorf("%d %+v", r.StatusCode, report)
	}
	b.stranger().call(http.MethodGet, "/metrics", nil).want(http.StatusNotFound)
}

func TestRequestsAreLoggedAndCountedByRouteWithoutTheirContent(t *testing.T) {
	var log bytes.Buffer
	b := newBackend(t, func(o *httpapi.Options) { o.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	alice := b.signIn("alice")
	storetest.Ready(t, b.store, alice.user, "metals.pdf", "Copper is red.")
	alice.call(http.MethodPost, "/api/v1/questions?key=querysecret", map[string]string{"question": "bodysecret"}, "X-Request-Id", "my-own-request-id").want(http.StatusOK)
	alice.call(http.MethodGet, "/api/v1/documents/unknown-id", nil).want(http.StatusNotFound)
	b.Close()
	text := log.String()
	for _, leak := range []string{"querysecret", "bodysecret", password, alice.Jar.Cookies(mustParse(t, b.URL))[0].Value} {
		if strings.Contains(text, leak) {
			t.Errorf("%q was logged", leak)
		}
	}
	for _, want := range []string{`"request":"my-own-request-id"`, `"path":"/api/v1/questions"`, `"client":"user:` + string(alice.user) + `"`} {
		if !strings.Contains(text, want) {
			t.Errorf("not in the log: %s", want)
		}
	}
	metrics := httptest.NewServer(promhttp.HandlerFor(b.registry, promhttp.HandlerOpts{}))
	defer metrics.Close()
	response, err := http.Get(metrics.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`http_requests_total{code="404",method="GET",route="/api/v1/documents/{id}"} 1`,
		`http_requests_total{code="200",method="POST",route="/api/v1/questions"} 1`,
		`chatpdf_questions_total{mode="extractive"} 1`, `chatpdf_mongodb_up 1`, `chatpdf_active_sessions 1`,
		`chatpdf_ingest_queue_documents{state="queued"} 0`, `chatpdf_ingest_queue_oldest_seconds 0`,
	} {
		if !strings.Contains(string(page), want+"\n") {
			t.Errorf("not in the metrics: %s", want)
		}
	}
}
