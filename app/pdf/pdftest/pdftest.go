// Package pdftest writes small PDFs for tests: text at known places on pages with any rotation and crop
// box, and files that are broken in a known way. It knows just enough of the format for that.
package pdftest

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// Fonts that every reader has; Ligatures is Times with the ligatures fi, fl and ff as the characters "\x01",
// "\x02" and "\x03".
const (
	Sans       = "Helvetica"
	SansBold   = "Helvetica-Bold"
	Serif      = "Times-Roman"
	Mono       = "Courier"
	Ligatures  = "Ligatures"
	baseHeight = 792
	baseWidth  = 612
)

var fonts = []string{Sans, SansBold, Serif, Mono, Ligatures}

// Text is a string at a place in user space: points from the lower left corner of the media box.
type Text struct {
	X, Y  float64
	Size  float64 // points; 0: 12
	Font  string  // empty: Sans
	Angle float64 // degrees, against the clock
	Gray  float64 // 0 black to 1 white
	S     string  // characters of Windows-1252
}

// Page is one page. Its zero value is an empty US letter page.
type Page struct {
	Width, Height float64 // points; 0: 612 by 792
	Rotate        int     // degrees, clockwise
	CropBox       []float64
	Texts         []Text
}

// Lines sets lines of text below each other.
func Lines(x, y, size, leading float64, font string, lines ...string) []Text {
	var texts []Text
	for i, l := range lines {
		texts = append(texts, Text{X: x, Y: y - float64(i)*leading, Size: size, Font: font, S: l})
	}
	return texts
}

// Prose is a page of the given lines in 12 points.
func Prose(lines ...string) Page {
	return Page{Texts: Lines(72, 700, 12, 14, Sans, lines...)}
}

// File is a PDF as numbered objects, so that a test can break it.
type File struct {
	Objects []string // object i+1
	Trailer string   // further entries of the trailer
}

// Write makes a PDF of the pages.
func Write(pages ...Page) []byte { return Build(pages...).Bytes() }

// Build lays out the objects: 1 catalog, 2 page tree, 3 fonts, then a page and its content in turn.
func Build(pages ...Page) *File {
	f := &File{Objects: []string{"<< /Type /Catalog /Pages 2 0 R >>", "", fontObject()}}
	var kids strings.Builder
	for _, p := range pages {
		number := len(f.Objects) + 1
		fmt.Fprintf(&kids, "%d 0 R ", number)
		f.Objects = append(f.Objects, p.object(number+1), stream(p.content()))
	}
	f.Objects[1] = fmt.Sprintf("<< /Type /Pages /Count %d /Kids [%s] >>", len(pages), kids.String())
	return f
}

func fontObject() string {
	var b strings.Builder
	for i, name := range fonts {
		base, encoding := name, "/WinAnsiEncoding"
		if name == Ligatures {
			base, encoding = Serif, "<< /Type /Encoding /BaseEncoding /WinAnsiEncoding /Differences [1 /fi /fl /ff] >>"
		}
		fmt.Fprintf(&b, "/F%d << /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding %s >> ", i, base, encoding)
	}
	return "<< " + b.String() + ">>"
}

func (p Page) object(content int) string {
	width, height := p.Width, p.Height
	if width == 0 {
		width, height = baseWidth, baseHeight
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %g %g] /Rotate %d ", width, height, p.Rotate)
	if p.CropBox != nil {
		fmt.Fprintf(&b, "/CropBox [%g %g %g %g] ", p.CropBox[0], p.CropBox[1], p.CropBox[2], p.CropBox[3])
	}
	fmt.Fprintf(&b, "/Resources << /Font 3 0 R >> /Contents %d 0 R >>", content)
	return b.String()
}

func (p Page) content() string {
	var b strings.Builder
	for _, t := range p.Texts {
		size, font := t.Size, 0
		if size == 0 {
			size = 12
		}
		for i, name := range fonts {
			if name == t.Font {
				font = i
			}
		}
		sin, cos := math.Sincos(t.Angle * math.Pi / 180)
		fmt.Fprintf(&b, "BT %g g /F%d %g Tf %.6f %.6f %.6f %.6f %g %g Tm (%s) Tj ET\n", t.Gray, font, size, cos, sin, -sin, cos, t.X, t.Y, escape(t.S))
	}
	return b.String()
}

func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		c, ok := charmap.Windows1252.EncodeRune(r)
		if !ok {
			c = '?'
		}
		if c < 0x20 || c > 0x7E || strings.IndexByte(`()\`, c) >= 0 {
			fmt.Fprintf(&b, "\\%03o", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

func stream(content string) string {
	return fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(content), content)
}

// Bytes writes the file with its table of objects.
func (f *File) Bytes() []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	offsets := make([]int, len(f.Objects))
	for i, o := range f.Objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(f.Objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n", len(f.Objects)+1, f.Trailer, start)
	return b.Bytes()
}

// Encrypted is a PDF that needs a password: its password check fits none.
func Encrypted() []byte {
	f := Build(Prose("This text cannot be read without the password."))
	check := strings.Repeat("5a", 32)
	f.Trailer = fmt.Sprintf("/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >> /ID [<00> <00>]", check, check)
	return f.Bytes()
}

// Looping is a PDF whose page tree contains itself.
func Looping() []byte {
	f := Build(Prose("The page tree of this file leads back to itself."))
	f.Objects[1] = "<< /Type /Pages /Count 3 /Kids [4 0 R 2 0 R 2 0 R] >>"
	return f.Bytes()
}

// Scan is a PDF of pages with nothing but a grey area, as a scanner makes them.
func Scan(pages int) []byte {
	f := Build(make([]Page, pages)...)
	for i := range pages {
		f.Objects[4+2*i] = stream("0.8 g 50 50 500 700 re f")
	}
	return f.Bytes()
}

// Bomb is a PDF whose page shows a text nested levels deep, each level showing the next ten times.
func Bomb(levels int) []byte {
	f := Build(Page{})
	f.Objects[4] = stream("/X5 Do")
	form := func(resources, content string) string {
		return fmt.Sprintf("<< /Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << %s >> /Length %d >>\nstream\n%s\nendstream", resources, len(content), content)
	}
	for i := range levels {
		number := 6 + i
		f.Objects = append(f.Objects, form(fmt.Sprintf("/XObject << /X%d %d 0 R >>", number, number+1), strings.Repeat(fmt.Sprintf("/X%d Do ", number), 10)))
	}
	f.Objects = append(f.Objects, form("/Font 3 0 R", "BT /F0 12 Tf 72 700 Td (boom) Tj ET"))
	f.Objects[3] = strings.Replace(f.Objects[3], "/Resources << ", "/Resources << /XObject << /X5 6 0 R >> ", 1)
	return f.Bytes()
}
