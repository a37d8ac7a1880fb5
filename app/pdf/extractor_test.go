package pdf

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/pdf/pdftest"
)

func TestBadDocumentsFailWithACodeAndASentence(t *testing.T) {
	good := pdftest.Write(pdftest.Prose("A document that is whole.", "It has two sentences."))
	for name, c := range map[string]struct {
		data   []byte
		limits Limits
		code   chatpdf.FailureCode
	}{
		"empty":                          {nil, Limits{}, chatpdf.FailureNotPDF},
		"text":                           {[]byte("Dear reader, this is not a PDF.\n"), Limits{}, chatpdf.FailureNotPDF},
		"mark beyond the window":         {append(bytes.Repeat([]byte{' '}, MagicWindow), good...), Limits{}, chatpdf.FailureNotPDF},
		"mark and nothing else":          {[]byte("%PDF-1.7\n"), Limits{}, chatpdf.FailureDamaged},
		"cut off in the header":          {good[:40], Limits{}, chatpdf.FailureDamaged},
		"cut off in the middle":          {good[:len(good)/2], Limits{}, chatpdf.FailureDamaged},
		"rubbish behind the mark":        {append([]byte("%PDF-1.7\n"), bytes.Repeat([]byte("\x00\xffobj<<"), 5000)...), Limits{}, chatpdf.FailureDamaged},
		"encrypted":                      {pdftest.Encrypted(), Limits{}, chatpdf.FailureEncrypted},
		"scan":                           {pdftest.Scan(3), Limits{}, chatpdf.FailureNoText},
		"too many pages":                 {pdftest.Write(make([]pdftest.Page, 6)...), Limits{Pages: 5}, chatpdf.FailureTooManyPages},
		"more work than time allows":     {pdftest.Bomb(8), Limits{Time: 3 * time.Second}, chatpdf.FailureTooMuchWork},
		"more text than a page may have": {pdftest.Write(crowded()), Limits{}, chatpdf.FailureTooMuchWork},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := extract(t, extractor(t, c.limits), c.data)
			if failureCode(err) != c.code {
				t.Fatalf("error %v, want a failure %s", err, c.code)
			}
			if message := err.Error(); !strings.HasSuffix(message, ".") || strings.Contains(message, "\n") {
				t.Errorf("message %q is no sentence for people", message)
			}
		})
	}
}

// crowded is a page of the largest size with 240,000 characters.
func crowded() pdftest.Page {
	lines := slices.Repeat([]string{strings.Repeat("abcdefghi ", 8)}, 3000)
	return pdftest.Page{Width: 14_400, Height: 14_400, Texts: pdftest.Lines(10, 14_300, 4, 4.5, pdftest.Mono, lines...)}
}

func TestDamagedDocumentsThatCanBeRepairedAreRead(t *testing.T) {
	file := pdftest.Build(pdftest.Prose("The first page is whole."), pdftest.Prose("The second page is whole."))
	data := file.Bytes()
	tail := bytes.LastIndex(data, []byte("startxref"))
	brokenPage := pdftest.Build(pdftest.Prose("The first page is whole."), pdftest.Prose("lost"))
	brokenPage.Objects[5] = "null"
	for name, damaged := range map[string][]byte{
		"end cut off":            data[:tail],
		"table of objects wrong": bytes.Replace(data, []byte("0000000015"), []byte("0000000999"), 1),
		"rubbish in front":       append([]byte("HTTP/1.1 200 OK\r\n\r\n"), data...),
		"rubbish at the end":     append(bytes.Clone(data), make([]byte, 3000)...),
		"one page missing":       brokenPage.Bytes(),
		"page tree with a loop":  pdftest.Looping(),
	} {
		t.Run(name, func(t *testing.T) {
			pages := mustExtract(t, damaged)
			if len(pages) == 0 || len(pages[0].Sentences) != 1 {
				t.Fatalf("read %d pages: %+v", len(pages), pages)
			}
		})
	}
}

func TestTenThousandPagesFinish(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	pages := make([]pdftest.Page, 10_000)
	for i := range pages {
		pages[i] = pdftest.Prose("This is page " + strconv.Itoa(i+1) + ".")
	}
	next, total := 1, 0
	_, err := extractor(t, Limits{}).Extract(context.Background(), write(t, pdftest.Write(pages...)), Handler{
		Pages: func(n int) error { total = n; return nil },
		Page: func(p chatpdf.Page) error {
			if want := "This is page " + strconv.Itoa(next) + "."; p.Number != next || p.Text != want {
				t.Fatalf("page %d is %q, want %q", p.Number, p.Text, want)
			}
			next++
			return nil
		},
	})
	if err != nil || total != 10_000 || next != 10_001 {
		t.Fatalf("total %d, read %d, error %v", total, next-1, err)
	}
}

func TestMemoryHungryDocumentDoesNotHurtTheParent(t *testing.T) {
	// 60 MB of text operators in 12,000 pages' worth of one page need more than the child may have.
	line := strings.Repeat("0 0 m 1 1 l S ", 1000)
	file := pdftest.Build(pdftest.Page{})
	content := strings.Repeat(line, 4000)
	file.Objects[4] = "<< /Length " + strconv.Itoa(len(content)) + " >>\nstream\n" + content + "\nendstream"
	_, err := extract(t, extractor(t, Limits{Memory: minMemory}), file.Bytes())
	if failureCode(err) != chatpdf.FailureTooMuchWork {
		t.Fatalf("error %v, want a failure %s", err, chatpdf.FailureTooMuchWork)
	}
}

func TestEndedContextIsNoFaultOfTheDocument(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	reason := errors.New("the worker shuts down")
	_, err := extractor(t, Limits{}).Extract(ctx, write(t, pdftest.Write(make([]pdftest.Page, 2000)...)), Handler{
		Page: func(chatpdf.Page) error { cancel(reason); return nil },
	})
	if !errors.Is(err, reason) || failureCode(err) != "" {
		t.Fatalf("error %v, want %v", err, reason)
	}
}

func TestHandlerErrorEndsTheExtraction(t *testing.T) {
	full := errors.New("the database is full")
	report, err := extractor(t, Limits{}).Extract(context.Background(), write(t, pdftest.Write(make([]pdftest.Page, 2000)...)), Handler{
		Page: func(p chatpdf.Page) error {
			if p.Number == 3 {
				return full
			}
			return nil
		},
	})
	if !errors.Is(err, full) || report.Pages != 2 {
		t.Fatalf("%d pages, error %v", report.Pages, err)
	}
}

// script stands in for a child that is out of control: no PDF makes PDFium do such things on purpose.
func script(t *testing.T, body string) *Extractor {
	t.Helper()
	path := filepath.Join(t.TempDir(), "child")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return &Extractor{Executable: path, Limits: Limits{Time: 5 * time.Second}}
}

func TestChildOutOfControlIsAFailureOfTheDocument(t *testing.T) {
	for name, body := range map[string]string{
		"killed":               `kill -9 $$`,
		"crashed":              `echo 'fatal error: out of memory' >&2; exit 2`,
		"ends in the middle":   `echo '{"pages":2}'; echo '{"page":{"Number":1,"Width":1,"Height":1}}'`,
		"no JSON":              `echo 'Segmentation fault'`,
		"endless line":         `tr '\0' x < /dev/zero`,
		"page out of order":    `echo '{"pages":2}'; echo '{"page":{"Number":2,"Width":1,"Height":1}}'; sleep 60`,
		"more pages than said": `echo '{"pages":1}'; for i in 1 2; do echo '{"page":{"Number":'$i',"Width":1,"Height":1}}'; done; echo '{"done":true}'`,
		"sentence outside":     `echo '{"pages":1}'; echo '{"page":{"Number":1,"Width":1,"Height":1,"Text":"ab","Sentences":[{"Start":0,"End":9,"Rects":[{"X0":0,"Y0":0,"X1":1,"Y1":1}]}]}}'; echo '{"done":true}'`,
		"rectangle outside":    `echo '{"pages":1}'; echo '{"page":{"Number":1,"Width":1,"Height":1,"Text":"ab","Sentences":[{"Start":0,"End":2,"Rects":[{"X0":0,"Y0":0,"X1":7,"Y1":1}]}]}}'; echo '{"done":true}'`,
		"silent for ever":      `exec sleep 60`,
		"talks past its limit": `while :; do echo talk >&2; done`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err := script(t, body).Extract(context.Background(), write(t, []byte("%PDF-")), Handler{Page: func(chatpdf.Page) error { return nil }})
			if failureCode(err) != chatpdf.FailureTooMuchWork {
				t.Errorf("error %v, want a failure %s", err, chatpdf.FailureTooMuchWork)
			}
			if len(report.Stderr) > tailSize {
				t.Errorf("kept %d bytes of stderr", len(report.Stderr))
			}
		})
	}
}

func TestChildThatCannotWorkHereIsNoFaultOfTheDocument(t *testing.T) {
	for name, x := range map[string]*Extractor{
		"no such binary": {Executable: "/does/not/exist"},
		"setup failed":   script(t, "echo 'limit the process: no' >&2; exit 3"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := x.Extract(context.Background(), write(t, []byte("%PDF-")), Handler{Page: func(chatpdf.Page) error { return nil }})
			if err == nil || failureCode(err) != "" {
				t.Errorf("error %v, want one that says nothing about the document", err)
			}
		})
	}
}

func TestChildInheritsNoSecrets(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "sk-secret")
	report, err := script(t, "env >&2; ls -l /proc/$$/fd >&2; exit 3").Extract(context.Background(), write(t, []byte("%PDF-")), Handler{Page: func(chatpdf.Page) error { return nil }})
	if err == nil || strings.Contains(report.Stderr, "OPENAI") || strings.Contains(report.Stderr, "sk-secret") {
		t.Fatalf("the child sees %s", report.Stderr)
	}
}

func TestCacheThatCannotBeWrittenDoesNotStopTheExtraction(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles PDFium twice")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	pages, err := extract(t, &Extractor{Executable: chatpdfBinary(t), CacheDir: filepath.Join(file, "cache")}, pdftest.Write(pdftest.Prose("Read all the same.")))
	if err != nil || len(pages) != 1 {
		t.Fatalf("%d pages, error %v", len(pages), err)
	}
}

func TestLooksLikePDF(t *testing.T) {
	for name, c := range map[string]struct {
		head string
		want bool
	}{
		"at the start":      {"%PDF-1.4\n", true},
		"behind rubbish":    {strings.Repeat("x", 1000) + "%PDF-1.4", true},
		"ends at the edge":  {strings.Repeat("x", MagicWindow-5) + "%PDF-1.4", true},
		"beyond the window": {strings.Repeat("x", MagicWindow-4) + "%PDF-1.4", false},
		"empty":             {"", false},
		"another format":    {"PK\x03\x04", false},
	} {
		if got := LooksLikePDF([]byte(c.head)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestDamagedCacheIsReplaced(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles PDFium")
	}
	dir := t.TempDir()
	if err := (&Extractor{Executable: chatpdfBinary(t), CacheDir: cacheDir(t)}).Warm(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS(cacheDir(t))); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "wazero-*", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("files of the cache: %v, %v", files, err)
	}
	for _, f := range files {
		if err := os.Truncate(f, 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	x := &Extractor{Executable: chatpdfBinary(t), CacheDir: dir}
	if pages, err := extract(t, x, pdftest.Write(pdftest.Prose("Read all the same."))); err != nil || len(pages) != 1 {
		t.Fatalf("%d pages, error %v", len(pages), err)
	}
	if files, err = filepath.Glob(filepath.Join(dir, "wazero-*", "*")); err != nil || len(files) != 1 {
		t.Fatalf("files of the cache: %v, %v", files, err)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Size() <= 1<<20 {
		t.Errorf("the damaged file is still there: %v, %v", info, err)
	}
}
