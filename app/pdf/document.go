package pdf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/klippa-app/go-pdfium"
	pdfiumerrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"chatpdf.dev/operator/app/chatpdf"
)

const wasmPage = 64 << 10

// startPDFium makes a PDFium of its own memory, at most memory bytes. It sees no file system: the
// library would otherwise mount the root directory. stderr gets what PDFium has to say.
func startPDFium(ctx context.Context, cache wazero.CompilationCache, memory int64, stderr io.Writer) (pdfium.Pdfium, error) {
	config := wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling).
		WithMemoryLimitPages(uint32(min(memory/wasmPage, 1<<16)))
	if cache != nil {
		config = config.WithCompilationCache(cache)
	}
	pool, err := webassembly.Init(webassembly.Config{
		Context:       ctx,
		MaxIdle:       1,
		MaxTotal:      1,
		FSConfig:      wazero.NewFSConfig(),
		RuntimeConfig: config,
		Stdout:        stderr,
		Stderr:        stderr,
	})
	if err != nil {
		return nil, fmt.Errorf("compile PDFium: %w", err)
	}
	instance, err := pool.GetInstance(time.Minute)
	if err != nil {
		return nil, fmt.Errorf("start PDFium: %w", err)
	}
	return instance, nil
}

// document is an open PDF.
type document struct {
	pdfium pdfium.Pdfium
	ref    references.FPDF_DOCUMENT
	pages  int
}

// openDocument opens a PDF of size bytes. Its errors are all failures of the document.
func openDocument(instance pdfium.Pdfium, r io.ReadSeeker, size int64) (*document, *chatpdf.Failure) {
	opened, err := instance.OpenDocument(&requests.OpenDocument{FileReader: r, FileReaderSize: size})
	switch {
	case errors.Is(err, pdfiumerrors.ErrPassword), errors.Is(err, pdfiumerrors.ErrSecurity):
		return nil, failEncrypted()
	case errors.Is(err, pdfiumerrors.ErrFormat), errors.Is(err, pdfiumerrors.ErrFile), errors.Is(err, pdfiumerrors.ErrUnknown), errors.Is(err, pdfiumerrors.ErrPage), errors.Is(err, pdfiumerrors.ErrSuccess), errors.Is(err, pdfiumerrors.ErrUnexpected):
		return nil, failDamaged()
	case err != nil:
		return nil, failTooMuchWork()
	}
	count, err := instance.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: opened.Document})
	if err != nil || count.PageCount < 0 {
		return nil, failTooMuchWork()
	}
	if count.PageCount == 0 {
		return nil, failDamaged()
	}
	return &document{pdfium: instance, ref: opened.Document, pages: count.PageCount}, nil
}

// errUnreadablePage says that a page exists in the page tree and cannot be loaded.
var errUnreadablePage = errors.New("unreadable page")

// glyphs reads the characters of a page, index from 0. An error other than errUnreadablePage means that
// PDFium itself gave up and must not be used any more.
func (d *document) glyphs(index int) (view, []glyph, error) {
	page := requests.Page{ByIndex: &requests.PageByIndex{Document: d.ref, Index: index}}
	size, err := d.pdfium.GetPageSize(&requests.GetPageSize{Page: page})
	if errors.Is(err, pdfiumerrors.ErrPage) {
		return view{}, nil, errUnreadablePage
	}
	if err != nil {
		return view{}, nil, fmt.Errorf("measure page %d: %w", index+1, err)
	}
	if !(size.Width > 0 && size.Width < 1e7 && size.Height > 0 && size.Height < 1e7) {
		return view{}, nil, errUnreadablePage
	}
	v, err := d.view(page, size.Width, size.Height)
	if err != nil {
		return view{}, nil, fmt.Errorf("measure page %d: %w", index+1, err)
	}
	text, err := d.pdfium.GetPageTextStructured(&requests.GetPageTextStructured{Page: page, Mode: requests.GetPageTextStructuredModeChars})
	if err != nil {
		return view{}, nil, fmt.Errorf("read the text of page %d: %w", index+1, err)
	}
	glyphs := make([]glyph, len(text.Chars))
	for i, c := range text.Chars {
		r, _ := utf8.DecodeRuneInString(c.Text)
		if c.Text == "" {
			r = 0
		}
		p := c.PointPosition
		glyphs[i] = glyph{r: r, box: v.box(p.Left, p.Bottom, p.Right, p.Top), heading: v.heading(c.Angle)}
	}
	return v, glyphs, nil
}

// view asks PDFium where three points of user space are displayed, which settles crop box, inherited
// rotation and their corner cases exactly as in rendering.
func (d *document) view(page requests.Page, width, height float64) (view, error) {
	const (
		size  = 1 << 22 // device pixels: as fine as the 24 bits that PDFium calculates with
		reach = 1000    // points
	)
	display := func(x, y float64) (float64, float64, error) {
		p, err := d.pdfium.FPDF_PageToDevice(&requests.FPDF_PageToDevice{Page: page, SizeX: size, SizeY: size, PageX: x, PageY: y})
		if err != nil {
			return 0, 0, err
		}
		return float64(p.DeviceX) / size * width, float64(p.DeviceY) / size * height, nil
	}
	ox, oy, err := display(0, 0)
	if err != nil {
		return view{}, err
	}
	ax, ay, err := display(reach, 0)
	if err != nil {
		return view{}, err
	}
	bx, by, err := display(0, reach)
	if err != nil {
		return view{}, err
	}
	return view{
		width: width, height: height,
		xx: (ax - ox) / reach, yx: (ay - oy) / reach,
		xy: (bx - ox) / reach, yy: (by - oy) / reach,
		offsetX: ox, offsetY: oy,
	}, nil
}

func (d *document) close() {
	d.pdfium.FPDF_CloseDocument(&requests.FPDF_CloseDocument{Document: d.ref}) //nolint:errcheck // the process ends next
}
