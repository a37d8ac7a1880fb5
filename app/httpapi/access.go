package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"chatpdf.dev/operator/app/auth"
	"chatpdf.dev/operator/app/serve"
)

// origins decides which pages may call the API: those of the same origin, and those of origins that
// are allowed by name.
type origins struct {
	allowed []string
	check   *http.CrossOriginProtection
}

func newOrigins(allowed []string) (*origins, error) {
	o := &origins{allowed: allowed, check: http.NewCrossOriginProtection()}
	for _, origin := range allowed {
		if err := o.check.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("ALLOWED_ORIGINS: %w", err)
		}
	}
	return o, nil
}

// share lets pages of allowed origins read answers.
func (o *origins) share(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Add("Vary", "Origin")
		if origin := r.Header.Get("Origin"); slices.Contains(o.allowed, origin) {
			header.Set("Access-Control-Allow-Origin", origin)
			header.Set("Access-Control-Allow-Credentials", "true")
			header.Set("Access-Control-Expose-Headers", "X-Request-Id, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset")
			if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
				header.Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
				header.Set("Access-Control-Allow-Headers", "Content-Type, Accept, Range, X-Request-Id")
				header.Set("Access-Control-Max-Age", "600")
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// refuse keeps pages of other origins from changing anything.
func (o *origins) refuse(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := o.check.Check(r); err != nil {
			writeProblem(w, problem(http.StatusForbidden, "A page of another origin may not do this; its origin has to be in ALLOWED_ORIGINS."))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// The session cookie. A browser takes a __Host- cookie only over https, for this host alone.
const (
	cookieSecure = "__Host-chatpdf"
	cookiePlain  = "chatpdf"
)

func cookieName(r *serve.Request) string {
	if r.HTTPS {
		return cookieSecure
	}
	return cookiePlain
}

func sessionCookie(r *serve.Request, token string, maxAge int) http.Cookie {
	return http.Cookie{ //nolint:gosec // over plain http a Secure cookie would not come back
		Name: cookieName(r), Value: token, Path: "/", MaxAge: maxAge, Secure: r.HTTPS, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// token is what the request's session cookie holds; empty without one.
func token(r *http.Request) string {
	cookie, err := r.Cookie(cookieName(serve.RequestOf(r.Context())))
	if err != nil {
		return ""
	}
	return cookie.Value
}

// identify finds out who is asking the API.
func (s *server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token := token(r); token != "" && strings.HasPrefix(r.URL.Path, "/api/") {
			user, err := s.Auth.Identify(r.Context(), token)
			switch {
			case err == nil:
				serve.RequestOf(r.Context()).Client = "user:" + string(user.ID)
				r = r.WithContext(context.WithValue(r.Context(), userKey{}, &user))
			case !errors.Is(err, auth.ErrNotSignedIn):
				writeProblem(w, s.fail(r.Context(), err))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// requireSession refuses operations that need a session to who has none.
func (s *server) requireSession(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if len(ctx.Operation().Security) > 0 && userOf(ctx.Context()) == nil {
			p := notSignedIn()
			huma.WriteErr(api, ctx, p.Status, p.Detail) //nolint:errcheck // a client that has gone needs no answer
			return
		}
		next(ctx)
	}
}
