package pdf

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/klippa-app/go-pdfium"
	"github.com/tetratelabs/wazero"

	"chatpdf.dev/operator/app/chatpdf"
)

// Exit codes of the child. Anything else means that it was killed or crashed.
const (
	exitOK    = 0 // the last message says how it ended
	exitSetup = 3 // something about this machine, not about the document
	exitUsage = 64
)

// maxPiped is how much is read from a stdin that is not a file.
const maxPiped = 256 << 20

// ExtractMain is the body of `chatpdf extract`: it reads the PDF on stdin (a file, or a pipe up to 256
// MiB) and writes its pages to stdout, one JSON message a line. args are the arguments after
// `extract`. It returns the exit code of the process. It lowers the limits of the process that it
// runs in, so nothing else may run there.
func ExtractMain(ctx context.Context, args []string, stdin *os.File, stdout, stderr io.Writer) int {
	options, err := parseOptions(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	if err := confine(options.limits); err != nil {
		fmt.Fprintf(stderr, "limit the process: %v\n", err)
		return exitSetup
	}
	child := child{options: options, out: &messageWriter{w: stdout}, stderr: stderr}
	failure, err := child.run(ctx, stdin)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitSetup
	}
	end := message{Done: failure == nil, Failure: failure}
	if options.warm {
		return exitOK
	}
	if err := child.out.write(end); err != nil {
		fmt.Fprintln(stderr, err)
		return exitSetup
	}
	return exitOK
}

type options struct {
	limits   Limits
	cacheDir string
	warm     bool
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	o := options{limits: DefaultLimits()}
	flags := flag.NewFlagSet("chatpdf extract", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.limits.Pages, "max-pages", o.limits.Pages, "refuse documents with more `pages`")
	flags.DurationVar(&o.limits.Time, "max-time", o.limits.Time, "end after this `duration` of CPU time")
	flags.Int64Var(&o.limits.Memory, "max-memory", o.limits.Memory, "end beyond this many `bytes` of memory")
	flags.StringVar(&o.cacheDir, "cache-dir", "", "`directory` that keeps the compiled PDFium; without it a start takes seconds")
	flags.BoolVar(&o.warm, "warm", false, "only fill the cache directory")
	flags.Usage = func() {
		fmt.Fprintf(stderr, `Reads the text of a PDF, with the place of every sentence, in a process that may do nothing else.

Usage:    chatpdf extract [flags] < document.pdf
Example:  chatpdf extract --cache-dir ~/.cache/chatpdf < book.pdf | jq -r 'select(.page).page.Text'

`)
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 || o.limits.Pages < 1 || o.limits.Time < time.Second || o.limits.Memory < minMemory {
		flags.Usage()
		return options{}, fmt.Errorf("no arguments, at least 1 page, 1 s and %d bytes", minMemory)
	}
	return o, nil
}

// child reads one document.
type child struct {
	options options
	out     *messageWriter
	stderr  io.Writer
}

// run writes all messages but the last. The error is never the document's fault.
func (c *child) run(ctx context.Context, stdin *os.File) (*chatpdf.Failure, error) {
	var input io.ReadSeeker
	var size int64
	if !c.options.warm {
		r, n, err := openInput(stdin)
		if err != nil {
			return nil, err
		}
		if failure, err := checkMagic(r); failure != nil || err != nil {
			return failure, err
		}
		input, size = r, n
	}
	instance, err := c.startPDFium(ctx)
	if err != nil || c.options.warm {
		return nil, err
	}
	doc, failure := openDocument(instance, input, size)
	if failure != nil {
		return failure, nil
	}
	defer doc.close()
	return c.readPages(doc)
}

// startPDFium starts PDFium with the cache. A damaged cache is thrown away, and one that cannot be written
// is done without: both would otherwise stop every document.
func (c *child) startPDFium(ctx context.Context) (pdfium.Pdfium, error) {
	for attempt := 0; attempt < 2 && c.options.cacheDir != ""; attempt++ {
		cache, err := wazero.NewCompilationCacheWithDir(c.options.cacheDir)
		if err == nil {
			var instance pdfium.Pdfium
			if instance, err = startPDFium(ctx, cache, c.options.limits.Memory/2, c.stderr); err == nil {
				return instance, nil
			}
		}
		fmt.Fprintf(c.stderr, "the cache %s cannot be used: %v\n", c.options.cacheDir, err)
		stale, err := filepath.Glob(filepath.Join(c.options.cacheDir, "wazero-*")) // one directory for each version
		for _, dir := range stale {
			err = errors.Join(err, os.RemoveAll(dir))
		}
		if err != nil {
			fmt.Fprintf(c.stderr, "the cache cannot be emptied: %v\n", err)
		}
	}
	if c.options.warm {
		return nil, errors.New("the cache could not be filled")
	}
	return startPDFium(ctx, nil, c.options.limits.Memory/2, c.stderr)
}

// readPages writes the header and the pages. Unreadable pages of a document that has readable ones
// come out empty: the rest is worth having.
func (c *child) readPages(doc *document) (*chatpdf.Failure, error) {
	if doc.pages > c.options.limits.Pages {
		return failTooManyPages(doc.pages, c.options.limits.Pages), nil
	}
	if err := c.out.write(message{Pages: doc.pages}); err != nil {
		return nil, fmt.Errorf("write the number of pages: %w", err)
	}
	text, readable := 0, 0
	for i := range doc.pages {
		v, glyphs, err := doc.glyphs(i)
		switch {
		case errors.Is(err, errUnreadablePage):
			v, glyphs = view{width: 612, height: 792, xx: 1, yy: 1}, nil
		case err != nil:
			fmt.Fprintln(c.stderr, err)
			return failTooMuchWork(), nil
		case len(glyphs) > maxPageGlyphs:
			return failTooMuchWork(), nil
		default:
			readable++
		}
		page := layPage(i+1, v, glyphs)
		if text += len(page.Text); text > maxDocumentText {
			return failTooMuchWork(), nil
		}
		err = c.out.write(message{Page: &page})
		if errors.Is(err, errMessageTooLong) {
			return failTooMuchWork(), nil
		}
		if err != nil {
			return nil, fmt.Errorf("write page %d: %w", i+1, err)
		}
	}
	switch {
	case readable == 0:
		return failDamaged(), nil
	case text == 0:
		return failNoText(), nil
	}
	return nil, nil
}

// openInput gives a seekable stdin and its size.
func openInput(stdin *os.File) (io.ReadSeeker, int64, error) {
	info, err := stdin.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("look at stdin: %w", err)
	}
	if info.Mode().IsRegular() {
		return stdin, info.Size(), nil
	}
	return readPiped(stdin)
}
