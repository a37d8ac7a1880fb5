package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"chatpdf.dev/operator/internal/mongodtest"
)

// replicaSet is shared by the tests of this package; each has a database of its own.
var replicaSet *mongodtest.ReplicaSet

// executable is the chatpdf binary under test.
var executable string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "chatpdf-test-")
	if err == nil {
		defer os.RemoveAll(dir)
		executable = filepath.Join(dir, "chatpdf")
		var output []byte
		if output, err = exec.Command("go", "build", "-o", executable, ".").CombinedOutput(); err != nil {
			err = fmt.Errorf("building chatpdf: %w\n%s", err, output)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return mongodtest.Main(m, mongodtest.Options{}, &replicaSet)
}

const adminPassword = "correct-horse-battery"

// process is a running chatpdf.
type process struct {
	cmd *exec.Cmd
	url string // of the main port
	log *lockedBuffer
	end chan struct{} // closed when it has ended
}

// start runs a role with an environment of its own and waits until it listens.
func start(t *testing.T, role string, environment ...string) *process {
	t.Helper()
	address, metrics := freeAddress(t), freeAddress(t)
	p := &process{url: "http://" + address, log: &lockedBuffer{}, end: make(chan struct{})}
	p.cmd = exec.Command(executable, role)
	p.cmd.Env = append([]string{"LISTEN_ADDRESS=" + address, "METRICS_ADDRESS=" + metrics}, environment...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait() //nolint:errcheck // tests look at ProcessState
		close(p.end)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("log of the %s:\n%s", role, p.log.String())
		}
	})
	await(t, "the "+role+" to listen", func() bool {
		select {
		case <-p.end:
			t.Fatalf("it ended at once: %s", p.log.String())
		default:
		}
		return status(p.url+"/livez") == http.StatusOK
	})
	return p
}

// startBackend runs a backend on a database and waits until it is ready.
func startBackend(t *testing.T, uri string, environment ...string) *process {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, "backend", append([]string{"MONGODB_URI=" + uri, "INITIAL_ADMIN_PASSWORD=" + adminPassword,
		"CACHE_DIR=" + filepath.Join(cache, "chatpdf-operator", "app"), "RATE_LIMIT=100000", "RATE_LIMIT_PER_SECOND=10000",
		"RATE_LIMIT_BURST=10000"}, environment...)...)
	await(t, "the backend to be ready", func() bool { return status(p.url+"/readyz") == http.StatusOK })
	return p
}

func (p *process) kill() {
	p.cmd.Process.Kill() //nolint:errcheck // it may have ended
	<-p.end
}

func (p *process) terminate(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("waited in vain for " + what)
		}
	}
}

// status is the status of a GET; 0 if nobody answered.
func status(url string) int {
	response, err := http.Get(url)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}

// browser is a client with a session.
type browser struct {
	http.Client
	t   *testing.T
	url string
}

func signIn(t *testing.T, url string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{Client: http.Client{Jar: jar}, t: t, url: url}
	b.do(http.MethodPost, "/api/v1/session", map[string]string{"username": "admin", "password": adminPassword}, http.StatusNoContent, nil)
	return b
}

// do sends JSON and reads JSON.
func (b *browser) do(method, path string, in any, want int, out any) {
	b.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		b.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	b.read(request, want, out)
}

func (b *browser) read(request *http.Request, want int, out any) {
	b.t.Helper()
	response, err := b.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != want {
		b.t.Fatalf("%s %s: status %d, want %d; %v, %s", request.Method, request.URL.Path, response.StatusCode, want, err, text)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			b.t.Fatalf("%s: %v", text, err)
		}
	}
}

type document struct {
	ID, Name, State  string
	Pages, PagesDone int
	Failure          *struct{ Code, Message string }
}

type job struct {
	ID, State                  string
	Attempts, Pages, PagesDone int
}

// upload sends a PDF.
func (b *browser) upload(name string, content []byte, want int) (document, job) {
	b.t.Helper()
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	part, err := writer.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = writer.Close()
	}
	if err != nil {
		b.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+"/api/v1/documents", &form)
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Content-Type", writer.FormDataContentType())
	var out struct {
		Document document
		Job      job
	}
	b.read(request, want, &out)
	return out.Document, out.Job
}

// awaitJob waits until a job is as wanted.
func (b *browser) awaitJob(id, what string, wanted func(job) bool) (j job) {
	b.t.Helper()
	await(b.t, what, func() bool {
		b.do(http.MethodGet, "/api/v1/jobs/"+id, nil, http.StatusOK, &j)
		return wanted(j)
	})
	return j
}

// lockedBuffer takes what two streams of a process write.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
