package pdf

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"chatpdf.dev/operator/app/chatpdf"
)

// Limits bound the work that one document may cause.
type Limits struct {
	Pages  int           // more pages than this fail with FailureTooManyPages
	Time   time.Duration // wall clock, and CPU time of the child
	Memory int64         // bytes of the child: half for PDFium, half for the rest; at least 64 MiB
}

const minMemory = 64 << 20

// DefaultLimits suit documents of 10 to 100 MB on one core.
func DefaultLimits() Limits {
	return Limits{Pages: 10_000, Time: 10 * time.Minute, Memory: 512 << 20}
}

// Extractor reads PDFs in child processes. Its methods may be called at the same time; each call has
// a child of its own.
type Extractor struct {
	Executable string // the chatpdf binary; empty: the running one
	CacheDir   string // writable directory for compiled WebAssembly; made if missing; empty: none, and every child needs seconds to start
	Limits     Limits // a zero field means the default

	mu   sync.Mutex
	warm bool // CacheDir has been filled since this process started
}

// Handler receives a document while it is read. An error that it returns ends the extraction and is
// what Extract returns.
type Handler struct {
	Pages func(total int) error         // called once, before the first page; may be nil
	Page  func(page chatpdf.Page) error // called for every page in order, also for pages without text
}

// Report is what is known after an extraction, also after a failed one.
type Report struct {
	Pages  int    // pages handed over
	Stderr string // last words of the child, at most 4 KiB, for the log only: they may quote the document
}

// Extract reads the PDF at path. An error that is a *chatpdf.Failure (errors.As) is the document's
// fault or limit and final; any other error (context ended, handler failed, child not startable) says
// nothing about the document and may be tried again.
func (x *Extractor) Extract(ctx context.Context, path string, h Handler) (Report, error) {
	file, err := os.Open(path) //nolint:gosec // the caller names a file of its own spool
	if err != nil {
		return Report{}, fmt.Errorf("open the document: %w", err)
	}
	defer file.Close()
	x.warmOnce(ctx)
	limits := x.limits()
	deadline, cancel := context.WithTimeout(ctx, limits.Time)
	defer cancel()

	run := &run{handler: h, limits: limits}
	state, err := x.start(deadline, file, run.read, &run.stderr)
	report := Report{Pages: run.pages, Stderr: run.stderr.String()}
	switch {
	case run.handlerErr != nil:
		return report, run.handlerErr
	case ctx.Err() != nil:
		return report, fmt.Errorf("read the document: %w", context.Cause(ctx))
	case err != nil:
		return report, err
	case run.failure != nil:
		return report, run.failure
	case state.ExitCode() == exitOK && run.done:
		return report, nil
	case state.ExitCode() == exitSetup, state.ExitCode() == exitUsage:
		return report, fmt.Errorf("the extracting process could not work: %s", cmp.Or(report.Stderr, state.String()))
	default:
		return report, failTooMuchWork()
	}
}

// Warm fills CacheDir, so that the first document does not wait for PDFium to be compiled: seconds of
// one core and 0.3 GB of memory. It is quick if the cache is filled.
func (x *Extractor) Warm(ctx context.Context) error {
	if x.CacheDir == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, x.limits().Time)
	defer cancel()
	var stderr tail
	state, err := x.start(ctx, nil, func(io.Reader) bool { return true }, &stderr, "--warm")
	if err == nil && !state.Success() {
		err = fmt.Errorf("%s: %s", state, stderr.String())
	}
	if err != nil {
		return fmt.Errorf("compile PDFium into %s: %w", x.CacheDir, err)
	}
	return nil
}

// warmOnce lets one call compile while the others wait: two cold children at once need twice the memory
// and are no faster. If it fails, each child does without.
func (x *Extractor) warmOnce(ctx context.Context) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.warm || x.CacheDir == "" {
		return
	}
	x.warm = x.Warm(ctx) == nil || ctx.Err() == nil
}

func (x *Extractor) limits() Limits {
	d := DefaultLimits()
	return Limits{
		Pages:  cmp.Or(x.Limits.Pages, d.Pages),
		Time:   cmp.Or(x.Limits.Time, d.Time),
		Memory: cmp.Or(x.Limits.Memory, d.Memory),
	}
}

// start runs a child with stdin until it ends or ctx ends, and kills it if read returns false. An error
// means that it could not be started.
func (x *Extractor) start(ctx context.Context, stdin *os.File, read func(io.Reader) bool, stderr io.Writer, more ...string) (*os.ProcessState, error) {
	executable := x.Executable
	if executable == "" {
		var err error
		if executable, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("find the chatpdf binary: %w", err)
		}
	}
	limits := x.limits()
	args := []string{"extract", "--max-pages", strconv.Itoa(limits.Pages), "--max-time", limits.Time.String(), "--max-memory", strconv.FormatInt(limits.Memory, 10)}
	if x.CacheDir != "" {
		dir, err := filepath.Abs(x.CacheDir)
		if err != nil {
			return nil, fmt.Errorf("find the cache directory: %w", err)
		}
		args = append(args, "--cache-dir", dir)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, executable, append(args, more...)...)
	cmd.Env = []string{} // no secret of ours is any of its business
	cmd.Dir = "/"
	cmd.Stderr = stderr
	cmd.WaitDelay = 5 * time.Second
	if stdin != nil {
		cmd.Stdin = stdin
	}
	bind(cmd)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the extracting process: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the extracting process: %w", err)
	}
	if !read(stdout) {
		cancel()
	}
	if err := cmd.Wait(); cmd.ProcessState == nil {
		return nil, fmt.Errorf("wait for the extracting process: %w", err)
	}
	return cmd.ProcessState, nil
}

// run is the parent's side of one extraction.
type run struct {
	handler    Handler
	limits     Limits
	stderr     tail
	total      int
	pages      int
	done       bool
	failure    *chatpdf.Failure
	handlerErr error
}

// read takes messages until the last one or the first that is wrong, and says whether the child may end
// by itself. One that writes wrong messages is treated like one that crashed.
func (r *run) read(stdout io.Reader) bool {
	messages := newMessageReader(stdout)
	for {
		m, err := messages.next()
		if err != nil {
			return errors.Is(err, io.EOF)
		}
		switch {
		case m.Failure != nil:
			r.failure = m.Failure
			return true
		case m.Done:
			r.done = r.total > 0 && r.pages == r.total
			return true
		case m.Pages > 0 && r.total == 0 && m.Pages <= r.limits.Pages:
			r.total = m.Pages
			if r.handler.Pages != nil {
				r.handlerErr = r.handler.Pages(m.Pages)
			}
		case m.Page != nil && m.Page.Number == r.pages+1 && r.pages < r.total:
			if r.handlerErr = r.handler.Page(*m.Page); r.handlerErr == nil {
				r.pages++
			}
		default:
			return false
		}
		if r.handlerErr != nil {
			return false
		}
	}
}

// tail keeps the last bytes written to it.
type tail struct {
	kept []byte
}

const tailSize = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p[max(0, len(p)-tailSize):]...)
	t.kept = t.kept[max(0, len(t.kept)-tailSize):]
	return len(p), nil
}

func (t *tail) String() string { return string(t.kept) }
