package httpapi

import (
	"mime"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/serve"
)

func downloadOperation() *huma.Operation {
	content := map[string]*huma.MediaType{"application/pdf": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}
	return &huma.Operation{OperationID: "download-document", Method: http.MethodGet, Path: "/api/v1/documents/{id}/file", Summary: "Download a PDF",
		Parameters: []*huma.Param{{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: "string"}}},
		Responses: map[string]*huma.Response{"200": {Description: "The file.", Content: content},
			"206": {Description: "The part that the header Range asked for.", Content: content},
			"404": {Description: "No such document."}, "416": {Description: "No such part."}},
	}
}

// download sends a document's file, or the part of it that is asked for.
func (s *server) download(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	control := http.NewResponseController(w)
	file, document, err := s.Store.OpenFile(ctx, userOf(ctx).ID, chatpdf.DocumentID(r.PathValue("id")))
	if err != nil {
		writeProblem(w, s.fail(ctx, err))
		return
	}
	defer file.Close()
	control.SetReadDeadline(time.Time{}) //nolint:errcheck // recorders in tests have none
	header := w.Header()
	header.Set("Content-Type", "application/pdf")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	header.Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": document.Name}))
	header.Set("Cache-Control", "private, no-cache")
	header.Set("ETag", `"`+document.SHA256+`"`)
	patient := &serve.PatientWriter{ResponseWriter: w, Control: control, Silence: s.Timeout}
	http.ServeContent(&fileWriter{ResponseWriter: patient}, r, "", document.CreatedAt, file)
}

// fileWriter turns what http.ServeContent refuses into a problem.
type fileWriter struct {
	http.ResponseWriter
	refused bool
}

// WriteHeader sends a problem in place of a refusal.
func (w *fileWriter) WriteHeader(status int) {
	switch {
	case status == http.StatusRequestedRangeNotSatisfiable:
		w.refused = true
		writeProblem(w.ResponseWriter, problem(status, "The file has no such part."))
	case status >= http.StatusBadRequest:
		w.refused = true
		writeProblem(w.ResponseWriter, problem(status, "The file could not be sent: try again."))
	default:
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write drops the text of a refusal.
func (w *fileWriter) Write(p []byte) (int, error) {
	if w.refused {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}
