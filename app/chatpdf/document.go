package chatpdf

import "time"

// UserID identifies an account: 26 characters of lower-case base32, 128 random bits.
type UserID string

// DocumentID identifies an uploaded document; same form as UserID.
type DocumentID string

// JobID identifies the ingestion of one document; same form as UserID.
type JobID string

// DocumentState is how far the ingestion of a document is.
type DocumentState string

// A document goes Queued, Processing, then Ready or Failed, and can go back to Queued when its worker dies.
const (
	DocumentQueued     DocumentState = "queued"
	DocumentProcessing DocumentState = "processing"
	DocumentReady      DocumentState = "ready"
	DocumentFailed     DocumentState = "failed"
)

// Document is one uploaded PDF.
type Document struct {
	ID        DocumentID
	Owner     UserID
	Name      string // as the uploader called it: at most 255 bytes, no control characters
	Size      int64  // bytes
	SHA256    string // of the bytes, lower-case hex
	State     DocumentState
	Pages     int      // pages in the document, 0 until known
	PagesDone int      // pages taken in so far
	Failure   *Failure // set if State is DocumentFailed
	CreatedAt time.Time
}

// FailureCode says why a document could not be taken in, for programs.
type FailureCode string

// Why a document could not be taken in.
const (
	FailureNotPDF         FailureCode = "not-a-pdf"
	FailureDamaged        FailureCode = "damaged"
	FailureEncrypted      FailureCode = "encrypted"
	FailureNoText         FailureCode = "no-text"
	FailureTooManyPages   FailureCode = "too-many-pages"
	FailureTooMuchWork    FailureCode = "too-much-work" // out of memory or time in the child process
	FailureEmbedding      FailureCode = "embedding-failed"
	FailureWorkerCrashing FailureCode = "worker-crashing" // every attempt ended without a result
)

// Failure says why a document could not be taken in and what its owner can do.
type Failure struct {
	Code    FailureCode
	Message string // one sentence for people, nothing secret in it
}

// Error makes a Failure usable as an error.
func (f *Failure) Error() string { return f.Message }

// Rect is a rectangle on a page as fractions of the page's width and height as displayed (crop box
// and rotation applied): origin in the upper left corner, 0 <= X0 < X1 <= 1, 0 <= Y0 < Y1 <= 1.
type Rect struct {
	X0, Y0, X1, Y1 float32
}

// Page is the text of one page.
type Page struct {
	Number    int     // from 1
	Width     float32 // points, as displayed
	Height    float32 // points, as displayed
	Text      string  // normalised: no hyphenation marks, single spaces, "\n" between blocks
	Sentences []Sentence
}

// Sentence is a stretch of one page's text with the place where it stands.
type Sentence struct {
	Start, End int    // bytes in Page.Text, half open, on character boundaries
	Rects      []Rect // one a line, in reading order
}

// Passage is what is searched and shown to a model: consecutive sentences of one page.
type Passage struct {
	Document  DocumentID
	Page      int // from 1
	Ordinal   int // position in the document, from 0
	Start     int // bytes in Page.Text, like Sentence
	End       int
	Text      string // Page.Text[Start:End]
	Sentences []Sentence
	Vector    []float32 // normalised embedding; nil without a model
}
