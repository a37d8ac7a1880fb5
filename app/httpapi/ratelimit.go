package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"chatpdf.dev/operator/app/serve"
	"chatpdf.dev/operator/app/store"
)

// RateLimit is how much one client may ask.
type RateLimit struct {
	PerMinute int // over all replicas, counted in the database
	PerSecond int // lasting, at this replica
	Burst     int // at once, at this replica
}

const (
	window = time.Minute
	// forgetAfter is when a silent client is forgotten: by then its window is over and its bucket full.
	forgetAfter = 2 * window
	// maxClients bounds the memory for clients; when there are more, all start afresh at this replica.
	maxClients = 100_000
)

// limiter counts requests of clients. Of the minute's allowance, which replicas share, it takes a
// tenth at a time out of the database, so that most requests cost no write; what is taken and not
// used lapses with the minute.
type limiter struct {
	limit   RateLimit
	store   *store.Store
	log     *slog.Logger
	now     func() time.Time
	mu      sync.Mutex
	clients map[string]*client
	swept   time.Time
}

// client is one client's account at this replica.
type client struct {
	bucket *rate.Limiter
	seen   time.Time // guarded by limiter.mu

	mu       sync.Mutex
	window   time.Time // start of the minute that the rest is about
	reserved int       // taken by all replicas together, as far as known here
	left     int       // taken by this replica and not yet used
}

func newLimiter(limit RateLimit, s *store.Store, log *slog.Logger) *limiter {
	return &limiter{limit: limit, store: s, log: log, now: time.Now, clients: map[string]*client{}}
}

// decision says whether a request may pass, and what headers say about it.
type decision struct {
	allowed   bool
	remaining int
	reset     time.Duration // until the minute is over
	retry     time.Duration // until a refused request may be repeated
}

func (l *limiter) take(ctx context.Context, name string) decision {
	now := l.now()
	c := l.client(name, now)
	reset := now.Truncate(window).Add(window).Sub(now)
	if !c.bucket.AllowN(now, 1) {
		return decision{reset: reset, retry: time.Second}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if start := now.Truncate(window); !c.window.Equal(start) {
		c.window, c.reserved, c.left = start, 0, 0
	}
	if c.left == 0 && !l.reserve(ctx, name, c) {
		return decision{reset: reset, retry: reset}
	}
	c.left--
	return decision{allowed: true, remaining: max(0, l.limit.PerMinute-c.reserved+c.left), reset: reset}
}

// reserve takes a tenth of the allowance, or what is left of it. A database that does not answer
// lets requests pass: they will fail for a better reason, or need no database.
func (l *limiter) reserve(ctx context.Context, name string, c *client) bool {
	if c.reserved >= l.limit.PerMinute {
		return false
	}
	portion := max(1, l.limit.PerMinute/10)
	key := fmt.Sprintf("rate:%s:%d", name, c.window.Unix())
	total, err := l.store.AddToWindow(ctx, key, portion, c.window.Add(window))
	if err != nil {
		l.log.Warn("requests are counted by this replica alone until the database answers", "error", err)
		c.left = 1
		return true
	}
	c.reserved = min(total, l.limit.PerMinute)
	c.left = max(0, min(portion, l.limit.PerMinute-(total-portion)))
	return c.left > 0
}

func (l *limiter) client(name string, now time.Time) *client {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.swept) > forgetAfter {
		for name, c := range l.clients {
			if now.Sub(c.seen) > forgetAfter {
				delete(l.clients, name)
			}
		}
		l.swept = now
	}
	c, ok := l.clients[name]
	if !ok {
		if len(l.clients) >= maxClients {
			clear(l.clients)
		}
		c = &client{bucket: rate.NewLimiter(rate.Limit(l.limit.PerSecond), l.limit.Burst)}
		l.clients[name] = c
	}
	c.seen = now
	return c
}

// limit refuses clients that ask too much of the API.
func (s *server) limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/") {
			next.ServeHTTP(w, r)
			return
		}
		d := s.limiter.take(r.Context(), serve.RequestOf(r.Context()).Client)
		header := w.Header()
		header.Set("RateLimit-Limit", strconv.Itoa(s.RateLimit.PerMinute))
		header.Set("RateLimit-Remaining", strconv.Itoa(d.remaining))
		header.Set("RateLimit-Reset", seconds(d.reset))
		if !d.allowed {
			writeProblem(w, tooMany("You are asking faster than this server allows: wait a moment.", d.retry))
			return
		}
		next.ServeHTTP(w, r)
	})
}
