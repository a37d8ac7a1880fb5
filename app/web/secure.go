package web

import "net/http"

// policy lets the page load only what it brings along. wasm-unsafe-eval is for the image decoders of
// pdf.js, which are WebAssembly; it allows no other code.
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; " +
	"img-src 'self' blob: data:; font-src 'self' data:; connect-src 'self'; manifest-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"

const permissions = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), " +
	"microphone=(), payment=(), usb=(), browsing-topics=()"

// secure adds the security headers to every response; where the backend chose a header itself, as it
// does for PDFs, the backend's is kept.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers := map[string]string{
			"Content-Security-Policy":      policy,
			"X-Frame-Options":              "DENY",
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "no-referrer",
			"Permissions-Policy":           permissions,
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
		}
		if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
			headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
		}
		next.ServeHTTP(&securedResponse{ResponseWriter: w, headers: headers}, r)
	})
}

// securedResponse adds headers at the last moment, when all others are known.
type securedResponse struct {
	http.ResponseWriter
	headers map[string]string
	sent    bool
}

// WriteHeader adds the headers that are missing.
func (s *securedResponse) WriteHeader(status int) {
	if !s.sent {
		for name, value := range s.headers {
			if s.Header().Get(name) == "" {
				s.Header().Set(name, value)
			}
		}
		s.sent = status >= 200
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write sends the headers first.
func (s *securedResponse) Write(p []byte) (int, error) {
	if !s.sent {
		s.WriteHeader(http.StatusOK)
	}
	return s.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (s *securedResponse) Unwrap() http.ResponseWriter { return s.ResponseWriter }
