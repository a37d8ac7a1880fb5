package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// heartbeat is how often a silent stream shows that it lives; many proxies give up after 60 s, some sooner.
const heartbeat = 10 * time.Second

// errReaderGone says that an event could not be sent.
var errReaderGone = errors.New("the reader of the stream has gone")

// eventStream sends server-sent events. Its methods may be called by several goroutines.
type eventStream struct {
	mu      sync.Mutex
	w       http.ResponseWriter
	control *http.ResponseController
	silence time.Duration
	broken  error
	stop    context.CancelFunc
	beating sync.WaitGroup
}

// beginStream sends the headers and keeps the stream alive until end. lost is called when the reader has gone.
func beginStream(ctx context.Context, lost context.CancelFunc, w http.ResponseWriter, silence time.Duration) *eventStream {
	ctx, stop := context.WithCancel(ctx)
	s := &eventStream{w: w, control: http.NewResponseController(w), silence: silence, stop: stop}
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache, no-transform")
	header.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	s.write(": begin\n\n") //nolint:errcheck // the next write meets the same error
	s.beating.Go(func() {
		tick := time.NewTicker(heartbeat)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if s.write(": keep-alive\n\n") != nil {
					lost()
					return
				}
			case <-ctx.Done():
				return
			}
		}
	})
	return s
}

// send sends one event; an error means that the reader has gone.
func (s *eventStream) send(event string, data any) error {
	body, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encoding the event %s: %w", event, err)
	}
	return s.write("event: " + event + "\ndata: " + string(body) + "\n\n")
}

func (s *eventStream) write(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	s.control.SetWriteDeadline(time.Now().Add(s.silence)) //nolint:errcheck // recorders in tests have none
	_, err := s.w.Write([]byte(text))
	if err == nil {
		err = s.control.Flush()
	}
	if err != nil {
		s.broken = fmt.Errorf("%w: %w", errReaderGone, err)
	}
	return s.broken
}

func (s *eventStream) end() {
	s.stop()
	s.beating.Wait()
}
