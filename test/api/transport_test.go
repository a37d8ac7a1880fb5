package api

import (
	"errors"
	"net/http"
	"sync"
)

// errKilled is what an operator sees of its writes after it was killed: nothing.
var errKilled = errors.New("the operator was killed")

// transport counts writes, and can let the operator die before one of them.
type transport struct {
	next http.RoundTripper

	mu     sync.Mutex
	writes []string
	budget int // writes that are still let through; negative means all
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet {
		return t.next.RoundTrip(r)
	}
	t.mu.Lock()
	if t.budget == 0 {
		t.mu.Unlock()
		return nil, errKilled
	}
	t.budget--
	t.writes = append(t.writes, r.Method+" "+r.URL.Path)
	t.mu.Unlock()
	return t.next.RoundTrip(r)
}

// taken returns the writes since the last call.
func (t *transport) taken() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	writes := t.writes
	t.writes = nil
	return writes
}

func (t *transport) died() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.budget == 0
}
