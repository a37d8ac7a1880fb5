package pdf

import (
	"context"
	"fmt"
	"testing"

	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/pdf/pdftest"
)

// book is a document of dense pages: 50 lines of prose, about 3,700 characters each.
func book(pages int) []byte {
	all := make([]pdftest.Page, pages)
	for p := range all {
		lines := make([]string, 50)
		for i := range lines {
			lines[i] = fmt.Sprintf("Line %d of page %d tells of nothing. It only fills the page like a book does.", i, p)
		}
		all[p] = pdftest.Page{Texts: pdftest.Lines(60, 740, 11, 13.5, pdftest.Serif, lines...)}
	}
	return pdftest.Write(all...)
}

// BenchmarkExtract reads a book of 200 pages with all rectangles, start of the child included.
func BenchmarkExtract(b *testing.B) {
	const pages = 200
	path := write(b, book(pages))
	x := &Extractor{Executable: chatpdfBinary(b), CacheDir: cacheDir(b)}
	if err := x.Warm(context.Background()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := x.Extract(context.Background(), path, Handler{Page: func(chatpdf.Page) error { return nil }}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(pages*b.N)/b.Elapsed().Seconds(), "pages/s")
}

// BenchmarkStart measures the start of a child, with compiled WebAssembly in the cache and without.
func BenchmarkStart(b *testing.B) {
	b.Run("warm", func(b *testing.B) {
		x := &Extractor{Executable: chatpdfBinary(b), CacheDir: cacheDir(b)}
		if err := x.Warm(context.Background()); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if err := x.Warm(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			if err := (&Extractor{Executable: chatpdfBinary(b), CacheDir: b.TempDir()}).Warm(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkLayPage measures what the text costs besides PDFium.
func BenchmarkLayPage(b *testing.B) {
	var text string
	for i := range 50 {
		text += fmt.Sprintf("Line %d of the page tells of nothing. It only fills it like a book does.\r\n", i)
	}
	glyphs := typeset(text)
	for b.Loop() {
		layPage(1, letter, append([]glyph(nil), glyphs...))
	}
}
