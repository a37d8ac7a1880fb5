package serve_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"chatpdf.dev/operator/app/serve"
)

// observed serves h behind an Observer.
func observed(t *testing.T, h http.HandlerFunc) (server *httptest.Server, log *bytes.Buffer, registry *prometheus.Registry) {
	t.Helper()
	log, registry = &bytes.Buffer{}, prometheus.NewRegistry()
	o := &serve.Observer{Log: slog.New(slog.NewJSONHandler(log, nil)), Address: serve.PeerAddress,
		Route: func(*http.Request) string { return "GET /things/{id}" }, Quiet: func(string) bool { return false }}
	o.Register(registry)
	server = httptest.NewServer(o.Handler(h))
	t.Cleanup(server.Close)
	return server, log, registry
}

func TestAPanicIsAnsweredAndCountedAndTheServerLives(t *testing.T) {
	panics := true
	server, log, registry := observed(t, func(w http.ResponseWriter, _ *http.Request) {
		if panics {
			panic("a secret detail")
		}
		w.WriteHeader(http.StatusNoContent)
	})
	response, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var problem struct{ Detail string }
	if err := json.NewDecoder(response.Body).Decode(&problem); err != nil || response.StatusCode != http.StatusInternalServerError ||
		!strings.Contains(problem.Detail, response.Header.Get("X-Request-Id")) || strings.Contains(problem.Detail, "secret") {
		t.Fatalf("%d %+v %v", response.StatusCode, problem, err)
	}
	panics = false
	if response, err = http.Get(server.URL); err != nil || response.StatusCode != http.StatusNoContent {
		t.Fatalf("%v %v", response, err)
	}
	response.Body.Close()
	server.Close()
	want := strings.NewReader("# HELP http_panics_total Requests whose handler panicked.\n# TYPE http_panics_total counter\nhttp_panics_total 1\n")
	if err := testutil.GatherAndCompare(registry, want, "http_panics_total"); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "a secret detail") || !strings.Contains(log.String(), "observe_test.go") {
		t.Errorf("the log leads nowhere: %s", log)
	}
}

func TestAPanicInTheMiddleOfAnAnswerCutsItOff(t *testing.T) {
	server, _, _ := observed(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half of it") //nolint:errcheck // the client may have gone
		panic("now")
	})
	response, err := http.Get(server.URL)
	if err == nil {
		defer response.Body.Close()
		_, err = io.ReadAll(response.Body)
	}
	if err == nil {
		t.Fatal("half an answer passed for a whole one")
	}
}

func TestTheClientsAddressIsWhatTheLastProxySaw(t *testing.T) {
	for name, test := range map[string]struct {
		forwarded []string
		want      string
	}{
		"none":                {nil, "192.0.2.7"},
		"one":                 {[]string{"198.51.100.1"}, "198.51.100.1"},
		"claims before it":    {[]string{"10.0.0.1, 203.0.113.5, 198.51.100.1"}, "198.51.100.1"},
		"several headers":     {[]string{"10.0.0.1", "198.51.100.1"}, "198.51.100.1"},
		"rubbish":             {[]string{"198.51.100.1, <script>"}, "192.0.2.7"},
		"IPv6 is one network": {[]string{"2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2::/64"},
		"IPv4 in IPv6":        {[]string{"::ffff:198.51.100.1"}, "::ffff:198.51.100.1"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = "192.0.2.7:1234"
			r.Header["X-Forwarded-For"] = test.forwarded
			if got := serve.ForwardedAddress(r); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}
