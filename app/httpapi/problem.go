package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"chatpdf.dev/operator/app/auth"
	"chatpdf.dev/operator/app/serve"
	"chatpdf.dev/operator/app/store"
)

// refused is a problem with headers.
type refused struct {
	huma.ErrorModel
	header http.Header
}

// GetHeaders gives huma the headers.
func (p *refused) GetHeaders() http.Header { return p.header }

// problem is an answer that says what is wrong and what the client can do.
func problem(status int, detail string) *refused {
	return &refused{ErrorModel: huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail}, header: http.Header{}}
}

func notSignedIn() *refused {
	return problem(http.StatusUnauthorized, "You are not signed in, or your session has ended: sign in.")
}

func tooMany(detail string, wait time.Duration) *refused {
	p := problem(http.StatusTooManyRequests, detail)
	p.header.Set("Retry-After", seconds(wait))
	return p
}

// seconds rounds up, so that who waits that long has waited long enough.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

// fail turns an error into the problem that the client gets, and logs what the client must not see.
func (s *server) fail(ctx context.Context, err error) *refused {
	var known *refused
	var throttled *auth.ThrottledError
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, store.ErrNotFound):
		return problem(http.StatusNotFound, "There is no such thing, or it is not yours.")
	case errors.Is(err, auth.ErrNotSignedIn):
		return notSignedIn()
	case errors.Is(err, auth.ErrWrongPassword):
		return problem(http.StatusUnauthorized, "The user name or the password is wrong.")
	case errors.As(err, &throttled):
		return tooMany("There were too many failed attempts to sign in: try again later.", throttled.RetryAfter)
	case errors.Is(ctx.Err(), context.Canceled), errors.Is(err, errReaderGone):
		return problem(statusClientClosed, "The client went away.")
	case errors.Is(err, context.DeadlineExceeded), databaseAway(err):
		s.log(ctx, slog.LevelWarn, "a request took too long or the database is away", err)
		p := problem(http.StatusServiceUnavailable, "That took too long: try again in a moment.")
		p.header.Set("Retry-After", "5")
		return p
	default:
		s.log(ctx, slog.LevelError, "a request failed", err)
		return problem(http.StatusInternalServerError, "Something went wrong on the server; the request's id "+serve.RequestOf(ctx).ID+" leads to it in the log.")
	}
}

// databaseAway says that the same request may well succeed in a moment: no member answered, or the one
// that did is shutting down or no longer primary.
func databaseAway(err error) bool {
	if mongo.IsTimeout(err) || mongo.IsNetworkError(err) {
		return true
	}
	var refusal mongo.ServerError
	return errors.As(err, &refusal) &&
		(refusal.HasErrorLabel("RetryableWriteError") || refusal.HasErrorLabel("TransientTransactionError") ||
			slices.ContainsFunc(stateChanges, refusal.HasErrorCode))
}

// stateChanges are the error codes of a member that shuts down or is not primary, by the driver
// specification "Server Discovery And Monitoring": InterruptedAtShutdown, InterruptedDueToReplStateChange,
// NotPrimaryOrSecondary, PrimarySteppedDown, ShutdownInProgress, NotWritablePrimary, NotPrimaryNoSecondaryOk.
var stateChanges = []int{11600, 11602, 13436, 189, 91, 10107, 13435}

// statusClientClosed is what logs and metrics show for requests whose client has gone; nobody receives it.
const statusClientClosed = 499

func (s *server) log(ctx context.Context, level slog.Level, message string, err error) {
	s.Log.Log(ctx, level, message, "request", serve.RequestOf(ctx).ID, "error", err) //nolint:sloglint // callers pass constants
}

// writeProblem answers with a problem.
func writeProblem(w http.ResponseWriter, p *refused) {
	maps.Copy(w.Header(), p.header)
	writeJSON(w, p.Status, "application/problem+json", p.ErrorModel)
}

func writeJSON(w http.ResponseWriter, status int, contentType string, body any) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) //nolint:errcheck // a client that has gone needs no answer
}
