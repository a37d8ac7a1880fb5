package pdf

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/draw"
	"io"
	"slices"
	"testing"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/tetratelabs/wazero"

	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/pdf/pdftest"
)

// inProcess starts a PDFium in the test itself, for rendering what it reads.
func inProcess(t *testing.T) pdfium.Pdfium {
	t.Helper()
	cache, err := wazero.NewCompilationCacheWithDir(cacheDir(t))
	if err != nil {
		t.Fatal(err)
	}
	instance, err := startPDFium(context.Background(), cache, 256<<20, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return instance
}

func open(t *testing.T, instance pdfium.Pdfium, data []byte) *document {
	t.Helper()
	doc, failure := openDocument(instance, bytes.NewReader(data), int64(len(data)))
	if failure != nil {
		t.Fatal(failure)
	}
	t.Cleanup(doc.close)
	return doc
}

// mustExtractWithText reads the first page of a document that has text on its second page anyway, so that
// an empty first page is no scan.
func mustExtractWithText(t *testing.T, page pdftest.Page) chatpdf.Page {
	t.Helper()
	return mustExtract(t, pdftest.Write(page, pdftest.Prose("The second page has text.")))[0]
}

const renderDPI = 144

func render(t *testing.T, doc *document) *image.RGBA {
	t.Helper()
	response, err := doc.pdfium.RenderPageInDPI(&requests.RenderPageInDPI{DPI: renderDPI, Page: requests.Page{ByIndex: &requests.PageByIndex{Document: doc.ref}}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Cleanup()
	// Its pixels are PDFium's memory until Cleanup.
	picture := image.NewRGBA(response.Result.RenderedImage.Bounds())
	draw.Draw(picture, picture.Bounds(), response.Result.RenderedImage, picture.Bounds().Min, draw.Src)
	return picture
}

// planted is the sentence whose rectangles are checked; it stands among others on two lines.
const planted = "The planted sentence gives jumpy queens a box of their own and crosses the line without pity."

func plantedTexts(gray float64) []pdftest.Text {
	first, second := "The planted sentence gives jumpy queens a box of", "their own and crosses the line without pity."
	const size, leading, x, y = 12, 15, 150, 420
	before := pdftest.Text{X: x, Y: y + leading, Size: size, Font: pdftest.Serif, S: "This sentence stands above and is not asked for at all."}
	after := pdftest.Text{X: x, Y: y - 2*leading, Size: size, Font: pdftest.Serif, S: "Another follows below it with descenders: gypsy."}
	texts := pdftest.Lines(x, y, size, leading, pdftest.Serif, first, second)
	for i := range texts {
		texts[i].Gray = gray
	}
	return slices.Concat([]pdftest.Text{before}, texts, []pdftest.Text{after})
}

// TestRectanglesHoldTheInkOfTheirSentenceAndNoOther renders each page with the planted sentence and with
// it in white; the pixels that differ are its ink.
func TestRectanglesHoldTheInkOfTheirSentenceAndNoOther(t *testing.T) {
	instance := inProcess(t)
	type variant struct {
		name string
		page pdftest.Page
	}
	var variants []variant
	for _, rotate := range []int{0, 90, 180, 270} {
		variants = append(variants,
			variant{fmt.Sprintf("rotated by %d", rotate), pdftest.Page{Rotate: rotate}},
			variant{fmt.Sprintf("rotated by %d with a crop box", rotate), pdftest.Page{Rotate: rotate, CropBox: []float64{100, 200, 500, 650}}},
			variant{fmt.Sprintf("rotated by %d with a larger media box", rotate), pdftest.Page{Rotate: rotate, Width: 900, Height: 700, CropBox: []float64{-50, -50, 950, 690}}})
	}
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			v.page.Texts = plantedTexts(0)
			visible := open(t, instance, pdftest.Write(v.page))
			v.page.Texts = plantedTexts(1)
			hidden := open(t, instance, pdftest.Write(v.page))
			view, glyphs, err := visible.glyphs(0)
			if err != nil {
				t.Fatal(err)
			}
			page := layPage(1, view, glyphs)
			i := slices.Index(sentences(page), planted)
			if i < 0 {
				t.Fatalf("sentences %q lack the planted one", sentences(page))
			}
			if n := len(page.Sentences[i].Rects); n != 2 {
				t.Errorf("%d rectangles for two lines", n)
			}
			checkInk(t, page.Sentences[i].Rects, render(t, visible), render(t, hidden))
		})
	}
}

// checkInk wants every pixel that differs inside of the rectangles (one pixel of smoothing aside), each
// rectangle filled to its edges, and no other ink in it.
func checkInk(t *testing.T, rects []chatpdf.Rect, with, without *image.RGBA) {
	t.Helper()
	size := with.Bounds().Size()
	boxes := make([]image.Rectangle, len(rects))
	for i, r := range rects {
		boxes[i] = image.Rect(int(r.X0*float32(size.X)), int(r.Y0*float32(size.Y)), int(r.X1*float32(size.X))+1, int(r.Y1*float32(size.Y))+1)
	}
	found := make([]image.Rectangle, len(rects))
	outside, foreign := 0, 0
	for y := range size.Y {
		for x := range size.X {
			at := image.Pt(x, y)
			inside := slices.IndexFunc(boxes, func(b image.Rectangle) bool { return at.In(b.Inset(-1)) })
			ink := with.RGBAAt(x, y) != without.RGBAAt(x, y)
			switch {
			case ink && inside < 0:
				outside++
			case ink:
				found[inside] = found[inside].Union(image.Rectangle{Min: at, Max: at.Add(image.Pt(1, 1))})
			case inside >= 0 && at.In(boxes[inside].Inset(1)) && without.RGBAAt(x, y).R < 128:
				foreign++
			}
		}
	}
	if outside > 0 || foreign > 0 {
		t.Errorf("%d pixels of the sentence outside of its boxes %v, %d pixels of others inside", outside, boxes, foreign)
	}
	for i, b := range boxes {
		const loose = 3 // pixels of 1/144 inch
		if found[i].Empty() || found[i].Min.X-b.Min.X > loose || found[i].Min.Y-b.Min.Y > loose || b.Max.X-found[i].Max.X > loose || b.Max.Y-found[i].Max.Y > loose {
			t.Errorf("box %v is larger than its ink %v", b, found[i])
		}
	}
}

// TestLandscapePagesReadLikeUprightOnes draws text so that it stands upright on a rotated page, as
// programs do that print a wide page onto a tall one.
func TestLandscapePagesReadLikeUprightOnes(t *testing.T) {
	instance := inProcess(t)
	for _, rotate := range []int{0, 90, 180, 270} {
		t.Run(fmt.Sprint(rotate), func(t *testing.T) {
			page := pdftest.Page{Rotate: rotate}
			for i, line := range []string{"A landscape page holds a sentence that goes on in", "the second line. And it holds another one that", "ends in the third."} {
				along, across := 100.0, 100+15*float64(i) // from the left and from the top, as displayed
				at := map[int]pdftest.Text{
					0:   {X: along, Y: 792 - across},
					90:  {X: across, Y: along, Angle: 90},
					180: {X: 612 - along, Y: across, Angle: 180},
					270: {X: 612 - across, Y: 792 - along, Angle: 270},
				}[rotate]
				at.S = line
				page.Texts = append(page.Texts, at)
			}
			with := open(t, instance, pdftest.Write(page))
			view, glyphs, err := with.glyphs(0)
			if err != nil {
				t.Fatal(err)
			}
			got := layPage(1, view, glyphs)
			want := []string{"A landscape page holds a sentence that goes on in the second line.", "And it holds another one that ends in the third."}
			if !slices.Equal(sentences(got), want) {
				t.Fatalf("sentences %q", sentences(got))
			}
			first := got.Sentences[0].Rects[0]
			if x, y := float64(first.X0)*view.width, float64(first.Y1)*view.height; x < 99 || x > 103 || y < 99 || y > 105 {
				t.Errorf("the first line starts at %.1f, %.1f points, want 100, 100 and descenders", x, y)
			}
		})
	}
}

func TestSidewaysTextIsReadAndBoxed(t *testing.T) {
	instance := inProcess(t)
	for _, angle := range []float64{90, 180, 270} {
		t.Run(fmt.Sprint(angle), func(t *testing.T) {
			texts := []pdftest.Text{{X: 300, Y: 400, Angle: angle, S: "A landscape table on a portrait page."}}
			with := open(t, instance, pdftest.Write(pdftest.Page{Texts: texts}))
			without := open(t, instance, pdftest.Write(pdftest.Page{}))
			view, glyphs, err := with.glyphs(0)
			if err != nil {
				t.Fatal(err)
			}
			page := layPage(1, view, glyphs)
			if got := sentences(page); !slices.Equal(got, []string{texts[0].S}) {
				t.Fatalf("sentences %q", got)
			}
			checkInk(t, page.Sentences[0].Rects, render(t, with), render(t, without))
		})
	}
}
