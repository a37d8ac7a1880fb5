// Package pdftest writes plain PDFs for tests: many pages, a few lines each.
package pdftest

import (
	"bytes"
	"fmt"
	"strings"
)

// Pages is a PDF of A4 pages with the lines that lines gives for each page number, from 1. Lines are
// ASCII, in 12 point Helvetica.
func Pages(pages int, lines func(page int) []string) []byte {
	var pdf bytes.Buffer
	var offsets []int
	object := func(format string, args ...any) {
		offsets = append(offsets, pdf.Len())
		fmt.Fprintf(&pdf, "%d 0 obj\n%s\nendobj\n", len(offsets), fmt.Sprintf(format, args...))
	}
	pdf.WriteString("%PDF-1.4\n")
	const firstPage = 4 // objects 1 to 3 are catalog, page tree and font; a page is two objects
	var kids strings.Builder
	for page := range pages {
		fmt.Fprintf(&kids, "%d 0 R ", firstPage+2*page)
	}
	object("<< /Type /Catalog /Pages 2 0 R >>")
	object("<< /Type /Pages /Kids [%s] /Count %d >>", kids.String(), pages)
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
	for page := range pages {
		object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>", firstPage+2*page+1)
		content := content(lines(page + 1))
		object("<< /Length %d >>\nstream\n%s\nendstream", len(content), content)
	}
	table := pdf.Len()
	fmt.Fprintf(&pdf, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, offset := range offsets {
		fmt.Fprintf(&pdf, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&pdf, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, table)
	return pdf.Bytes()
}

func content(lines []string) string {
	escape := strings.NewReplacer(`\`, `\\`, `(`, `\(`, `)`, `\)`)
	var b strings.Builder
	b.WriteString("BT /F1 12 Tf 72 770 Td 16 TL\n")
	for _, line := range lines {
		fmt.Fprintf(&b, "(%s) Tj T*\n", escape.Replace(line))
	}
	b.WriteString("ET")
	return b.String()
}
