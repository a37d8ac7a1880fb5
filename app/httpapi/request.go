package httpapi

import (
	"context"
	"net/http"
	"time"

	"chatpdf.dev/operator/app/serve"
	"chatpdf.dev/operator/app/store"
)

type userKey struct{}

// userOf is who is asking; nil: nobody who has signed in.
func userOf(ctx context.Context) *store.User {
	user, _ := ctx.Value(userKey{}).(*store.User)
	return user
}

// bound limits how long a request may take. Streaming routes look after their own deadlines.
func (s *server) bound(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		deadline := time.Now().Add(s.Timeout)
		control.SetReadDeadline(deadline)                      //nolint:errcheck // recorders in tests have none
		control.SetWriteDeadline(deadline.Add(writeAllowance)) //nolint:errcheck // recorders in tests have none
		if s.streams[serve.RequestOf(r.Context()).Route] {
			next.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithDeadline(r.Context(), deadline)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// writeAllowance is the time to say that time is up.
const writeAllowance = 5 * time.Second
