package serve

import (
	"io"
	"net/http"
	"time"
)

// maxDrain is how much of a refused body is read, so that the client gets to see the answer: most
// send the whole body before they look for one.
const maxDrain = 32 << 20

// PatientBody gives each read of a body its own deadline, so that a slow upload lasts and a silent one
// does not.
type PatientBody struct {
	io.ReadCloser
	Control *http.ResponseController
	Silence time.Duration
}

// Read reads within the time allowed for silence. After the body's end there is no deadline: the
// server goes on reading to see whether the client hangs up, and would take a deadline for that.
func (b *PatientBody) Read(p []byte) (int, error) {
	b.Control.SetReadDeadline(time.Now().Add(b.Silence)) //nolint:errcheck // recorders in tests have none
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.Control.SetReadDeadline(time.Time{}) //nolint:errcheck // recorders in tests have none
	}
	return n, err
}

// PatientWriter gives each write its own deadline, so that a slow download lasts and one that nobody
// reads does not.
type PatientWriter struct {
	http.ResponseWriter
	Control *http.ResponseController
	Silence time.Duration
}

// Write writes within the time allowed for silence.
func (w *PatientWriter) Write(p []byte) (int, error) {
	w.Control.SetWriteDeadline(time.Now().Add(w.Silence)) //nolint:errcheck // recorders in tests have none
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *PatientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Drain reads on for a while and drops what comes.
func Drain(body io.Reader) {
	io.CopyN(io.Discard, body, maxDrain) //nolint:errcheck // done for the client's sake alone
}
