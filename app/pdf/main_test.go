package pdf

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"chatpdf.dev/operator/app/chatpdf"
)

// programs is a directory for the chatpdf binary of this test run.
var programs string

// TestMain lets the test binary be the parent of a child, too.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "parent" {
		parentMain(os.Args[2], os.Args[3])
		return
	}
	var err error
	if programs, err = os.MkdirTemp("", "chatpdf-extract-"); err != nil {
		panic(err)
	}
	status := m.Run()
	os.RemoveAll(programs)
	os.Exit(status)
}

// chatpdfBinary is the chatpdf binary, as in production. It is built without the race detector, whose shadow
// memory does not fit into the limits of a child.
func chatpdfBinary(tb testing.TB) string {
	tb.Helper()
	path, err := builtChild()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

var builtChild = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programs, "chatpdf")
	if output, err := exec.Command("go", "build", "-o", path, "chatpdf.dev/operator/app").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building chatpdf: %w\n%s", err, output)
	}
	return path, nil
})

// parentMain is a process that extracts with the child given until it is killed; TestMain calls it.
func parentMain(executable, document string) {
	x := &Extractor{Executable: executable, Limits: Limits{Time: time.Minute}}
	x.Extract(context.Background(), document, Handler{Page: func(chatpdf.Page) error { return nil }}) //nolint:errcheck // it is killed
}

// cacheDir keeps compiled WebAssembly between test runs, outside of the checkout.
func cacheDir(tb testing.TB) string {
	tb.Helper()
	dir := os.Getenv("CHATPDF_CACHE")
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return tb.TempDir()
		}
		dir = filepath.Join(user, "chatpdf-operator")
	}
	return filepath.Join(dir, "pdfium")
}

// filled says that this run has filled the cache already, so that not every test starts a child for it.
var filled sync.Once

// extractor reads with the shared cache.
func extractor(tb testing.TB, limits Limits) *Extractor {
	tb.Helper()
	x := &Extractor{Executable: chatpdfBinary(tb), CacheDir: cacheDir(tb), Limits: limits, warm: true}
	filled.Do(func() {
		if err := x.Warm(context.Background()); err != nil {
			tb.Error(err)
		}
	})
	return x
}

func write(tb testing.TB, data []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "document.pdf")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// extract reads a document in a child process.
func extract(tb testing.TB, x *Extractor, data []byte) ([]chatpdf.Page, error) {
	tb.Helper()
	var pages []chatpdf.Page
	report, err := x.Extract(context.Background(), write(tb, data), Handler{Page: func(p chatpdf.Page) error {
		pages = append(pages, p)
		return nil
	}})
	if report.Stderr != "" {
		tb.Logf("stderr of the child: %s", report.Stderr)
	}
	return pages, err
}

func mustExtract(tb testing.TB, data []byte) []chatpdf.Page {
	tb.Helper()
	pages, err := extract(tb, extractor(tb, Limits{}), data)
	if err != nil {
		tb.Fatalf("extract: %v", err)
	}
	return pages
}

func failureCode(err error) chatpdf.FailureCode {
	if failure, ok := errors.AsType[*chatpdf.Failure](err); ok {
		return failure.Code
	}
	return ""
}

func sentences(p chatpdf.Page) []string {
	var all []string
	for _, s := range p.Sentences {
		all = append(all, p.Text[s.Start:s.End])
	}
	return all
}
