package httpapi_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"chatpdf.dev/operator/app/httpapi"
	"chatpdf.dev/operator/app/pdf/pdftest"
	"chatpdf.dev/operator/app/store/storetest"
)

type upload struct {
	Document struct {
		ID, Name, State, SHA256 string
		Size                    int64
	}
	Job struct{ ID, State string }
}

// padded is a PDF of exactly size bytes.
func padded(size int) []byte {
	file := pdftest.Write(pdftest.Prose("Padding follows."))
	return append(file, bytes.Repeat([]byte("%"), size-len(file))...)
}

func TestUploadsThatCannotBeTakenAreRefusedAndLeaveNothing(t *testing.T) {
	uri := replicaSet.DatabaseURI(t)
	b := newReplica(t, storetest.Open(t, uri))
	alice := b.signIn("alice")
	alice.upload("empty.pdf", nil).want(http.StatusUnprocessableEntity)
	alice.upload("letter.docx", []byte("PK\x03\x04")).want(http.StatusUnsupportedMediaType)
	alice.upload("large.pdf", padded(maxFileSize+1)).want(http.StatusRequestEntityTooLarge)
	alice.upload("huge.pdf", padded(4*maxFileSize)).want(http.StatusRequestEntityTooLarge)
	endless := io.MultiReader(strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n%PDF-1.7\n"),
		io.LimitReader(neverEnding('x'), 100*maxFileSize))
	alice.call(http.MethodPost, "/api/v1/documents", endless, "Content-Type", "multipart/form-data; boundary=x").want(http.StatusRequestEntityTooLarge)
	body, kind := form(t, "other", "a.pdf", padded(2000))
	alice.call(http.MethodPost, "/api/v1/documents", body, "Content-Type", kind).want(http.StatusUnprocessableEntity)
	alice.call(http.MethodPost, "/api/v1/documents", map[string]string{}).want(http.StatusUnsupportedMediaType)
	cut, kind := form(t, "file", "cut.pdf", padded(200<<10))
	alice.call(http.MethodPost, "/api/v1/documents", io.LimitReader(cut, 150<<10), "Content-Type", kind).want(http.StatusBadRequest)
	wantNothingStored(t, uri)
	if r := alice.upload("exact.pdf", padded(maxFileSize)).want(http.StatusAccepted); r.Header.Get("RateLimit-Limit") == "" {
		t.Error("no RateLimit headers")
	}
}

func TestAnUploadThatIsCutOffLeavesNothing(t *testing.T) {
	uri := replicaSet.DatabaseURI(t)
	b := newReplica(t, storetest.Open(t, uri))
	alice := b.signIn("alice")
	begin, kind := form(t, "file", "a.pdf", padded(250<<10))
	ctx, cancel := context.WithCancel(t.Context())
	body := &interrupted{Reader: io.LimitReader(begin, 200<<10), cut: cancel, ctx: ctx}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.URL+"/api/v1/documents", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", kind)
	response, err := alice.Do(request)
	if err == nil {
		response.Body.Close()
		t.Fatal("the upload was answered")
	}
	b.Close() // waits for the handler
	wantNothingStored(t, uri)
}

func TestASilentUploadIsEnded(t *testing.T) {
	b := newBackend(t)
	alice := b.signIn("alice")
	alice.url = newReplica(t, b.store, func(o *httpapi.Options) { o.Timeout = 500 * time.Millisecond }).URL
	begin, kind := form(t, "file", "a.pdf", padded(250<<10))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	body := &interrupted{Reader: io.LimitReader(begin, 100<<10), cut: func() {}, ctx: ctx}
	alice.call(http.MethodPost, "/api/v1/documents", body, "Content-Type", kind).want(http.StatusRequestTimeout)
}

func TestTheSameFileTwiceIsOneDocument(t *testing.T) {
	b := newBackend(t)
	alice, bob := b.signIn("alice"), b.signIn("bob")
	content := padded(100 << 10)
	replies := make([]*reply, 5)
	var uploads sync.WaitGroup
	for i := range replies {
		uploads.Go(func() { replies[i] = alice.upload(fmt.Sprintf("copy %d.pdf", i), content) })
	}
	uploads.Wait()
	ids, created := map[string]bool{}, 0
	for _, r := range replies {
		var u upload
		r.into(&u)
		ids[u.Document.ID+u.Job.ID] = true
		if r.StatusCode == http.StatusAccepted {
			created++
		} else {
			r.want(http.StatusOK)
		}
	}
	if len(ids) != 1 || created != 1 {
		t.Errorf("%d documents, %d created", len(ids), created)
	}
	var list struct{ Documents []struct{ ID string } }
	alice.call(http.MethodGet, "/api/v1/documents", nil).want(http.StatusOK).into(&list)
	if len(list.Documents) != 1 {
		t.Errorf("alice has %d documents", len(list.Documents))
	}
	bob.upload("mine.pdf", content).want(http.StatusAccepted)
}

func TestFileNamesAreMadeFit(t *testing.T) {
	b := newBackend(t)
	alice := b.signIn("alice")
	for i, test := range []struct{ given, want string }{
		{"../../etc/passwd", "passwd"},
		{`C:\\Users\\me\\report.pdf`, "report.pdf"},
		{"invoice\u202efdp.exe", "invoicefdp.exe"},
		{"Ru\u0308ckblick.pdf", "Rückblick.pdf"},
		{strings.Repeat("ä", 200) + ".pdf", strings.Repeat("ä", 127)},
		{"..", "document.pdf"},
	} {
		var u upload
		alice.upload(test.given, padded(5000+i)).want(http.StatusAccepted).into(&u)
		if u.Document.Name != test.want {
			t.Errorf("%q became %q, want %q", test.given, u.Document.Name, test.want)
		}
	}
}

func TestTheFileComesBackWholeOrInParts(t *testing.T) {
	b := newBackend(t)
	alice := b.signIn("alice")
	content := padded(280 << 10)
	var u upload
	alice.upload("Größe.pdf", content).want(http.StatusAccepted).into(&u)
	path := "/api/v1/documents/" + u.Document.ID + "/file"
	whole := alice.call(http.MethodGet, path, nil).want(http.StatusOK)
	if !bytes.Equal(whole.body, content) {
		t.Error("other bytes came back")
	}
	for name, want := range map[string]string{
		"Content-Type": "application/pdf", "X-Content-Type-Options": "nosniff", "Accept-Ranges": "bytes",
		"Content-Security-Policy": "sandbox; default-src 'none'", "Content-Disposition": "inline; filename*=utf-8''Gr%C3%B6%C3%9Fe.pdf",
		"Cache-Control": "private, no-cache", "Etag": `"` + u.Document.SHA256 + `"`,
	} {
		if got := whole.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	part := alice.call(http.MethodGet, path, nil, "Range", "bytes=261000-262000").want(http.StatusPartialContent)
	if !bytes.Equal(part.body, content[261000:262001]) {
		t.Error("another part came back")
	}
	alice.call(http.MethodGet, path, nil, "Range", "bytes=9999999-").want(http.StatusRequestedRangeNotSatisfiable)
	alice.call(http.MethodGet, path, nil, "If-None-Match", whole.Header.Get("ETag")).want(http.StatusNotModified)
	alice.call(http.MethodDelete, "/api/v1/documents/"+u.Document.ID, nil).want(http.StatusNoContent)
	alice.call(http.MethodGet, path, nil).want(http.StatusNotFound)
	alice.call(http.MethodGet, "/api/v1/jobs/"+u.Job.ID, nil).want(http.StatusNotFound)
	alice.upload("again.pdf", content).want(http.StatusAccepted)
}

func wantNothingStored(t *testing.T, uri string) {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Disconnect(context.Background()) //nolint:errcheck // nothing is in flight
	for _, name := range []string{"documents", "fs.files", "fs.chunks", "orphans"} {
		n, err := client.Database(strings.Trim(mustParse(t, uri).Path, "/")).Collection(name).CountDocuments(t.Context(), bson.M{})
		if err != nil || n != 0 {
			t.Errorf("%d rows left in %s (%v)", n, name, err)
		}
	}
}

func mustParse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// interrupted calls cut when its reader is at its end, and then is silent until ctx ends.
type interrupted struct {
	io.Reader
	cut func()
	ctx context.Context
}

func (r *interrupted) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err == io.EOF {
		r.cut()
		<-r.ctx.Done()
		return n, r.ctx.Err()
	}
	return n, err
}

type neverEnding byte

func (b neverEnding) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}
