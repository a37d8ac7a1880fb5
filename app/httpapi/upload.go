package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chatpdf.dev/operator/app/pdf"
	"chatpdf.dev/operator/app/serve"
	"chatpdf.dev/operator/app/store"
)

const (
	// multipartOverhead is room for boundaries, part headers and small other fields of the form.
	multipartOverhead = 64 << 10
	// maxParts bounds the fields of a form that come before the file.
	maxParts = 16
)

func uploadOperation(api huma.API) *huma.Operation {
	registry := api.OpenAPI().Components.Schemas
	accepted := registry.Schema(reflect.TypeFor[wireUpload](), true, "Upload")
	answer := func(description string) *huma.Response {
		return &huma.Response{Description: description, Content: map[string]*huma.MediaType{"application/json": {Schema: accepted}}}
	}
	file := &huma.Schema{Type: "object", Required: []string{"file"}, Properties: map[string]*huma.Schema{
		"file": {Type: "string", Format: "binary", Description: "the PDF; its file name becomes the document's"}}}
	return &huma.Operation{OperationID: "upload-document", Method: http.MethodPost, Path: "/api/v1/documents", Summary: "Upload a PDF",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: file}}},
		Responses: map[string]*huma.Response{
			"202": answer("Stored; a job takes it in."), "200": answer("You have uploaded these bytes before; this is that document."),
			"413": {Description: "Larger than maxFileSizeBytes."}, "415": {Description: "Not a PDF."}, "422": {Description: "Empty."}},
	}
}

// upload streams a file into the database. Whatever goes wrong, nothing of it stays there.
func (s *server) upload(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), store.MaxUploadTime)
	defer cancel()
	control := http.NewResponseController(w)
	control.SetWriteDeadline(time.Now().Add(store.MaxUploadTime + s.Timeout)) //nolint:errcheck // recorders in tests have none
	if r.ContentLength > s.MaxFileSize+multipartOverhead {
		serve.Drain(&serve.PatientBody{ReadCloser: r.Body, Control: control, Silence: s.Timeout})
		writeProblem(w, s.tooLarge())
		return
	}
	r.Body = &serve.PatientBody{
		ReadCloser: http.MaxBytesReader(w, r.Body, s.MaxFileSize+multipartOverhead), Control: control, Silence: s.Timeout}
	job, created, err := s.receive(ctx, r)
	if err != nil {
		serve.Drain(r.Body)
		writeProblem(w, s.uploadProblem(ctx, err))
		return
	}
	status := http.StatusOK
	if created {
		status = http.StatusAccepted
	}
	writeJSON(w, status, "application/json", wireUpload{Document: toDocument(job.Document),
		Job: wireJobState{ID: job.ID, State: job.Document.State}})
}

// receive reads the form and stores its file.
func (s *server) receive(ctx context.Context, r *http.Request) (store.Job, bool, error) {
	part, err := filePart(r)
	if err != nil {
		return store.Job{}, false, err
	}
	head := make([]byte, pdf.MagicWindow)
	n, err := io.ReadFull(part, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return store.Job{}, false, unreadable(err)
	}
	if n == 0 {
		return store.Job{}, false, problem(http.StatusUnprocessableEntity, "The file is empty: choose a PDF that has pages.")
	}
	if !pdf.LooksLikePDF(head[:n]) {
		return store.Job{}, false, problem(http.StatusUnsupportedMediaType, "This file is not a PDF: choose one, or save the document as a PDF first.")
	}
	upload, err := s.Store.BeginUpload(ctx, userOf(ctx).ID)
	if err != nil {
		return store.Job{}, false, err
	}
	job, created, err := s.fill(ctx, upload, io.MultiReader(bytes.NewReader(head[:n]), part), documentName(part.FileName()))
	if err != nil {
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Timeout)
		defer cancel()
		if abortErr := upload.Abort(undo); abortErr != nil {
			s.Log.Warn("what was stored of a failed upload will be removed later", "request", serve.RequestOf(ctx).ID, "error", abortErr)
		}
	}
	return job, created, err
}

// fill copies the file, one byte more than it may have at most, and commits it.
func (s *server) fill(ctx context.Context, upload *store.Upload, from io.Reader, name string) (store.Job, bool, error) {
	source := &sourceReader{from: io.LimitReader(from, s.MaxFileSize+1)}
	n, err := io.Copy(upload, source)
	switch {
	case source.err != nil:
		return store.Job{}, false, unreadable(source.err)
	case err != nil:
		return store.Job{}, false, err
	case n > s.MaxFileSize:
		return store.Job{}, false, s.tooLarge()
	}
	return upload.Commit(ctx, name)
}

// filePart finds the form's field "file".
func filePart(r *http.Request) (*multipart.Part, error) {
	form, err := r.MultipartReader()
	if err != nil {
		return nil, problem(http.StatusUnsupportedMediaType, `Send the PDF as multipart/form-data, in a field called "file".`)
	}
	for range maxParts {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, unreadable(err)
		}
		if part.FormName() == "file" {
			return part, nil
		}
	}
	return nil, problem(http.StatusUnprocessableEntity, `The form has no field called "file".`)
}

func (s *server) tooLarge() *refused {
	return problem(http.StatusRequestEntityTooLarge, fmt.Sprintf("The file is larger than %d bytes, the most that this server takes.", s.MaxFileSize))
}

// unreadableError is trouble with the request's body rather than with us.
type unreadableError struct{ err error }

func (e *unreadableError) Error() string { return "reading the upload: " + e.err.Error() }
func (e *unreadableError) Unwrap() error { return e.err }

func unreadable(err error) error { return &unreadableError{err} }

func (s *server) uploadProblem(ctx context.Context, err error) *refused {
	var large *http.MaxBytesError
	var broken *unreadableError
	switch {
	case errors.As(err, &large):
		return s.tooLarge()
	case errors.As(err, &broken) && errors.Is(err, os.ErrDeadlineExceeded):
		return problem(http.StatusRequestTimeout, "The upload stood still for too long: try again.")
	case errors.As(err, &broken):
		return problem(http.StatusBadRequest, "The upload broke off or is not a proper form: try again.")
	default:
		return s.fail(ctx, err)
	}
}

// sourceReader remembers that it was reading that failed.
type sourceReader struct {
	from io.Reader
	err  error
}

func (s *sourceReader) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}
