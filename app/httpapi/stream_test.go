package httpapi

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestASilentStreamShowsEveryTenSecondsThatItLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recorder := httptest.NewRecorder()
		events := beginStream(t.Context(), func() {}, recorder, time.Minute)
		<-time.After(35 * time.Second) // in the bubble this takes no time
		if err := events.send("done", "x"); err != nil {
			t.Error(err)
		}
		events.end()
		body := recorder.Body.String()
		if n := strings.Count(body, ": keep-alive\n\n"); n != 3 {
			t.Errorf("%d heartbeats in 35 s: %q", n, body)
		}
		if !strings.HasSuffix(body, "event: done\ndata: \"x\"\n\n") {
			t.Errorf("%q", body)
		}
	})
}

func TestAHeartbeatThatCannotBeSentEndsTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		events := beginStream(ctx, cancel, deaf{httptest.NewRecorder()}, time.Minute)
		<-time.After(heartbeat + time.Second) // in the bubble this takes no time
		if ctx.Err() == nil {
			t.Error("the answer goes on without a reader")
		}
		if err := events.send("token", "x"); err == nil {
			t.Error("the event was sent to nobody")
		}
		events.end()
	})
}

// deaf is a connection that is gone.
type deaf struct{ *httptest.ResponseRecorder }

func (deaf) Write([]byte) (int, error) { return 0, context.Canceled }
