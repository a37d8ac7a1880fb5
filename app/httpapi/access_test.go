package httpapi_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"chatpdf.dev/operator/app/httpapi"
	"chatpdf.dev/operator/app/store/storetest"
)

// operations reads the API's own description: method, path and whether it says that it needs a session.
func operations(t *testing.T, b *backend) map[string]bool {
	t.Helper()
	var description struct {
		Paths map[string]map[string]struct{ Security []any }
	}
	b.stranger().call(http.MethodGet, "/api/openapi.json", nil).want(http.StatusOK).into(&description)
	all := map[string]bool{}
	for path, methods := range description.Paths {
		for method, operation := range methods {
			all[strings.ToUpper(method)+" "+path] = len(operation.Security) > 0
		}
	}
	return all
}

func TestEveryOperationWithSomeoneElsesIDsIsNotFound(t *testing.T) {
	b := newBackend(t)
	alice, bob := b.signIn("alice"), b.signIn("bob")
	job := storetest.Ready(t, b.store, alice.user, "alice.pdf", "The secret of Alice is zirconium.")
	id := string(job.Document.ID)
	walked := 0
	for operation := range operations(t, b) {
		method, path, _ := strings.Cut(operation, " ")
		var body any
		switch {
		case strings.Contains(path, "/jobs/{id}"):
			path = strings.Replace(path, "{id}", string(job.ID), 1)
		case strings.Contains(path, "{id}"):
			path = strings.Replace(path, "{id}", id, 1)
		case path == "/api/v1/questions":
			body = map[string]any{"question": "What is the secret?", "documentIds": []string{id}}
		case operation == "GET /api/v1/documents":
			path += "?after=" + id
		default:
			continue // takes no id
		}
		walked++
		bob.call(method, path, body).want(http.StatusNotFound)
		bob.call(method, path, body, "Accept", "text/event-stream").want(http.StatusNotFound)
	}
	if walked != 6 {
		t.Errorf("walked %d operations with ids, want 6: is there a new one?", walked)
	}
	everything := bob.call(http.MethodPost, "/api/v1/questions", map[string]any{"question": "What is the secret of Alice?"}).want(http.StatusOK)
	if strings.Contains(string(everything.body), "zirconium") {
		t.Errorf("bob's question was answered from alice's document: %s", everything.body)
	}
	alice.call(http.MethodGet, "/api/v1/documents/"+id, nil).want(http.StatusOK)
}

func TestEveryOperationButSigningInAndOutNeedsASession(t *testing.T) {
	b := newBackend(t)
	var open []string
	for operation, secured := range operations(t, b) {
		if !secured {
			open = append(open, operation)
			continue
		}
		method, path, _ := strings.Cut(operation, " ")
		b.stranger().call(method, strings.Replace(path, "{id}", "x", 1), nil).want(http.StatusUnauthorized)
	}
	slices.Sort(open)
	if want := []string{"DELETE /api/v1/session", "POST /api/v1/session"}; !slices.Equal(open, want) {
		t.Errorf("without a session: %v, want %v", open, want)
	}
}

func TestASessionLastsUntilItsEnd(t *testing.T) {
	b := newBackend(t)
	alice := b.signIn("Alice")
	var who struct{ Username, Role string }
	alice.call(http.MethodGet, "/api/v1/session", nil).want(http.StatusOK).into(&who)
	if who.Username != "alice" || who.Role != "user" {
		t.Errorf("%+v", who)
	}
	stolen := alice.Jar.Cookies(mustParse(t, b.URL))
	alice.call(http.MethodDelete, "/api/v1/session", nil).want(http.StatusNoContent)
	alice.call(http.MethodGet, "/api/v1/session", nil).want(http.StatusUnauthorized)
	alice.Jar.SetCookies(mustParse(t, b.URL), stolen)
	alice.call(http.MethodGet, "/api/v1/session", nil).want(http.StatusUnauthorized)
}

func TestTheSessionCookieIsForThisHostOverHTTPSOnly(t *testing.T) {
	b := newBackend(t)
	b.signIn("alice")
	credentials := map[string]string{"username": "alice", "password": password}
	for proto, want := range map[string]string{
		"http":  `^chatpdf=[A-Za-z0-9_-]{43}; Path=/; Max-Age=\d+; HttpOnly; SameSite=Lax$`,
		"https": `^__Host-chatpdf=[A-Za-z0-9_-]{43}; Path=/; Max-Age=\d+; HttpOnly; Secure; SameSite=Lax$`,
	} {
		r := b.stranger().call(http.MethodPost, "/api/v1/session", credentials, "X-Forwarded-Proto", proto).want(http.StatusNoContent)
		cookie := r.Header.Get("Set-Cookie")
		if !regexp.MustCompile(want).MatchString(cookie) {
			t.Errorf("over %s: %s", proto, cookie)
		}
		name, _, _ := strings.Cut(cookie, ";")
		b.stranger().call(http.MethodGet, "/api/v1/session", nil, "X-Forwarded-Proto", proto, "Cookie", name).want(http.StatusOK)
	}
}

func TestGuessingPasswordsIsSlowedDown(t *testing.T) {
	b := newBackend(t)
	b.signIn("alice")
	guess := map[string]string{"username": "alice", "password": "wrong-wrong"}
	var r *reply
	// Ten guesses in a quarter of an hour are answered; one may end in between, but not two.
	for i := 0; i < 21 && (r == nil || r.StatusCode == http.StatusUnauthorized); i++ {
		r = b.stranger().call(http.MethodPost, "/api/v1/session", guess, "X-Forwarded-For", fmt.Sprint("192.0.2.", i))
		if i < 10 {
			r.want(http.StatusUnauthorized)
		}
	}
	if r.want(http.StatusTooManyRequests); r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	right := map[string]string{"username": "ALICE", "password": password}
	b.stranger().call(http.MethodPost, "/api/v1/session", right, "X-Forwarded-For", "198.51.100.1").want(http.StatusTooManyRequests)
}

func TestPagesOfOtherOriginsMayChangeNothingUnlessAllowed(t *testing.T) {
	b := newBackend(t, func(o *httpapi.Options) { o.AllowedOrigins = []string{"https://friend.example.com"} })
	alice := b.signIn("alice")
	if r := alice.call(http.MethodDelete, "/api/v1/documents/x", nil, "Origin", "https://evil.example.com").want(http.StatusForbidden); r.Header.Get("RateLimit-Limit") == "" {
		t.Error("a refusal is not counted")
	}
	alice.call(http.MethodDelete, "/api/v1/documents/x", nil, "Sec-Fetch-Site", "cross-site").want(http.StatusForbidden)
	alice.call(http.MethodDelete, "/api/v1/documents/x", nil, "Sec-Fetch-Site", "same-origin").want(http.StatusNotFound)
	r := alice.call(http.MethodDelete, "/api/v1/documents/x", nil, "Origin", "https://friend.example.com", "Sec-Fetch-Site", "cross-site").want(http.StatusNotFound)
	if r.Header.Get("Access-Control-Allow-Origin") != "https://friend.example.com" || r.Header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("headers %v", r.Header)
	}
	r = alice.call(http.MethodGet, "/api/v1/limits", nil, "Origin", "https://evil.example.com").want(http.StatusOK)
	if r.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("a stranger's page may read the API")
	}
	r = alice.call(http.MethodOptions, "/api/v1/documents", nil, "Origin", "https://friend.example.com", "Access-Control-Request-Method", "POST").want(http.StatusNoContent)
	if !strings.Contains(r.Header.Get("Access-Control-Allow-Methods"), "POST") {
		t.Errorf("preflight: %v", r.Header)
	}
}

func TestRefusalsOfTheRouterAreProblemsToo(t *testing.T) {
	b := newBackend(t)
	alice := b.signIn("alice")
	alice.call(http.MethodGet, "/api/v1/nothing", nil).want(http.StatusNotFound)
	alice.call(http.MethodGet, "/", nil).want(http.StatusNotFound)
	r := alice.call(http.MethodPut, "/api/v1/documents/x", nil).want(http.StatusMethodNotAllowed)
	if allow := r.Header.Get("Allow"); !strings.Contains(allow, "DELETE") || !strings.Contains(allow, "GET") {
		t.Errorf("Allow: %s", allow)
	}
	alice.call(http.MethodGet, "/api/v1/documents?limit=0", nil).want(http.StatusUnprocessableEntity)
	alice.call(http.MethodPost, "/api/v1/session", map[string]string{"username": strings.Repeat("x", 20_000)}).want(http.StatusRequestEntityTooLarge)
	alice.call(http.MethodPost, "/api/v1/session", strings.NewReader("{"), "Content-Type", "application/json").want(http.StatusBadRequest)
}
