package pdf

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/klippa-app/go-pdfium"
	"github.com/tetratelabs/wazero"

	"chatpdf.dev/operator/app/pdf/pdftest"
)

// typeset places text as PDFium would report it: 6 by 10 points a character, lines at line feeds.
func typeset(text string) []glyph {
	var glyphs []glyph
	x, y := 72.0, 72.0
	for _, r := range text {
		glyphs = append(glyphs, glyph{r: r, box: box{x, y, x + 6, y + 10}})
		x += 6
		if r == '\n' || r == 0x02 {
			x, y = 72, y+14
		}
	}
	return glyphs
}

var letter = view{width: 612, height: 792, xx: 1, yy: 1}

func TestPDFiumsDividerJoinsTheWord(t *testing.T) {
	page := layPage(1, letter, typeset("The pages of a book are com\x02pile d by hand, and\r\nwell\x02Known words keep it."))
	if want := "The pages of a book are compile d by hand, and well-Known words keep it."; page.Text != want {
		t.Errorf("text %q, want %q", page.Text, want)
	}
}

func TestFullStopsStandAtTheirWord(t *testing.T) {
	page := layPage(1, letter, typeset("In 2015 , 2016 , and 2017 . It cost .5 or , 5 more ... Yes"))
	if want := "In 2015, 2016, and 2017. It cost .5 or, 5 more ... Yes"; page.Text != want {
		t.Errorf("text %q, want %q", page.Text, want)
	}
}

func TestEveryByteKnowsItsGlyph(t *testing.T) {
	glyphs := typeset("Of\uFB01ce \U0001F600 and a\u00ADb\r\nsecond\x02line\uE000.")
	lines := findLines(letter, glyphs)
	text := writeText(glyphs, findBlocks(letter, glyphs, lines))
	if len(text.text) != len(text.origin) {
		t.Fatalf("%d bytes, %d origins", len(text.text), len(text.origin))
	}
	for i, r := range string(text.text) {
		o := text.origin[i]
		if o < 0 {
			if r != ' ' && r != '\n' {
				t.Errorf("byte %d (%q) has no glyph", i, r)
			}
			continue
		}
		if !strings.ContainsRune(spell(glyphs[o].r), r) {
			t.Errorf("byte %d (%q) comes from glyph %q", i, r, glyphs[o].r)
		}
	}
}

func TestSurrogatePairsAreOneCharacter(t *testing.T) {
	glyphs := typeset("xxab.")
	glyphs[0].r, glyphs[1].r = 0xD83D, 0xDE00
	if got, want := layPage(1, letter, glyphs).Text, "\U0001F600ab."; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	glyphs[1].r = 'x'
	if got, want := layPage(1, letter, glyphs).Text, "xab."; got != want {
		t.Errorf("half a pair: text %q, want %q", got, want)
	}
}

// FuzzPagesKeepTheirPromise lays out glyphs at any place with any character.
func FuzzPagesKeepTheirPromise(f *testing.F) {
	for _, s := range []string{"Hello world. Bye.", "com\x02piled\r\nwords", "\r\n\r\n", "• one\n• two", "a\uFB01b"} {
		var b bytes.Buffer
		for i, r := range s {
			binary.Write(&b, binary.LittleEndian, struct { //nolint:errcheck // a buffer takes all
				R          int32
				X, Y, W, H int16
			}{r, int16(i * 6), 100, 6, 10})
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var glyphs []glyph
		for ; len(data) >= 12 && len(glyphs) < 500; data = data[12:] {
			n := func(i int) float64 { return float64(int16(binary.LittleEndian.Uint16(data[i:]))) }
			r := rune(binary.LittleEndian.Uint32(data))
			b := box{n(4), n(6), n(4) + math.Abs(n(8)), n(6) + math.Abs(n(10))}
			glyphs = append(glyphs, glyph{r: r & 0x1FFFFF, box: b, heading: direction(r >> 24 & 3)})
		}
		if err := checkPage(layPage(1, letter, glyphs)); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzDocumentsNeverHarm hands any bytes to PDFium and holds what comes out against the promises.
func FuzzDocumentsNeverHarm(f *testing.F) {
	f.Add(pdftest.Write(pdftest.Prose("A small document.", "With two lines.")))
	f.Add(pdftest.Write(pdftest.Page{Rotate: 90, CropBox: []float64{10, 10, 300, 300}, Texts: plantedTexts(0)}))
	f.Add(pdftest.Encrypted())
	f.Add(pdftest.Looping())
	f.Add(pdftest.Bomb(2))
	cache, err := wazero.NewCompilationCacheWithDir(cacheDir(f))
	if err != nil {
		f.Fatal(err)
	}
	var instance pdfium.Pdfium // one for many inputs; a new one after PDFium gave up
	f.Fuzz(func(t *testing.T, data []byte) {
		if !LooksLikePDF(data) {
			return
		}
		if instance == nil {
			if instance, err = startPDFium(context.Background(), cache, 128<<20, io.Discard); err != nil {
				t.Fatal(err)
			}
		}
		doc, failure := openDocument(instance, bytes.NewReader(data), int64(len(data)))
		if failure != nil {
			if failure.Code == failTooMuchWork().Code {
				instance = nil
			}
			return
		}
		defer doc.close()
		for i := range min(doc.pages, 3) {
			v, glyphs, err := doc.glyphs(i)
			if err != nil {
				if !errors.Is(err, errUnreadablePage) {
					instance = nil
				}
				return
			}
			if len(glyphs) > 5000 {
				return
			}
			if err := checkPage(layPage(i+1, v, glyphs)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
