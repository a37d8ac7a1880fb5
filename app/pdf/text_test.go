package pdf

import (
	"slices"
	"strings"
	"testing"

	"chatpdf.dev/operator/app/pdf/pdftest"
)

func TestPageTextReadsLikeThePage(t *testing.T) {
	for name, c := range map[string]struct {
		page pdftest.Page
		want []string
	}{
		"paragraph over lines": {
			pdftest.Prose("The quick brown fox jumps over the lazy dog and", "runs away. A second sentence starts here and is", "finished on the third line."),
			[]string{"The quick brown fox jumps over the lazy dog and runs away.", "A second sentence starts here and is finished on the third line."},
		},
		"divided words": {
			pdftest.Prose("A sentence with a word that has been divi-", "ded, and with another long-term word that is a long-", "term compound of its own in the United-", "States."),
			[]string{"A sentence with a word that has been divided, and with another long-term word that is a long-term compound of its own in the United-States."},
		},
		"ligatures": {
			pdftest.Page{Texts: []pdftest.Text{{X: 72, Y: 700, Font: pdftest.Ligatures, S: "The \x01rst \x02ower o\x03ers a di\x03erence."}}},
			[]string{"The first flower offers a difference."},
		},
		"heading and paragraph": {
			pdftest.Page{Texts: append(pdftest.Lines(72, 720, 16, 20, pdftest.SansBold, "2.1 Results of Operations"),
				pdftest.Lines(72, 690, 11, 13, pdftest.Serif, "Revenue grew strongly in the year under review and was", "driven by new customers.")...)},
			[]string{"2.1 Results of Operations", "Revenue grew strongly in the year under review and was driven by new customers."},
		},
		"heading in the size of the text": {
			pdftest.Prose("Competition", "Our businesses compete with many others around the", "world and the market changes fast."),
			[]string{"Competition", "Our businesses compete with many others around the world and the market changes fast."},
		},
		"bullets": {
			pdftest.Prose("We offer:", "• fast delivery to every place in the country and", "abroad", "• low prices", "• selection"),
			[]string{"We offer:", "• fast delivery to every place in the country and abroad", "• low prices", "• selection"},
		},
		"table": {
			pdftest.Page{Texts: slices.Concat(
				row(700, "Commercial Airplanes", "$25,867", "$19,493"), row(687, "Global Services", "17,611", "16,328"), row(674, "Total revenues", "$66,608", "$62,286"))},
			[]string{"Commercial Airplanes $25,867 $19,493", "Global Services 17,611 16,328", "Total revenues $66,608 $62,286"},
		},
		"two columns": {
			pdftest.Page{Texts: append(
				pdftest.Lines(72, 700, 10, 12, pdftest.Serif, "The left column is read to its end before the", "right one begins. Its last sentence does not end"),
				pdftest.Lines(320, 700, 10, 12, pdftest.Serif, "here but goes on in the right column. That is", "how readers read.")...)},
			[]string{"The left column is read to its end before the right one begins.", "Its last sentence does not end here but goes on in the right column.", "That is how readers read."},
		},
		"paragraphs by indentation": {
			pdftest.Page{Texts: append(pdftest.Lines(72, 700, 10, 12, pdftest.Serif, "The first paragraph fills its lines to the very end."),
				append(pdftest.Lines(90, 688, 10, 12, pdftest.Serif, "the second starts with a small letter and an"), pdftest.Lines(72, 676, 10, 12, pdftest.Serif, "indentation.")...)...)},
			[]string{"The first paragraph fills its lines to the very end.", "the second starts with a small letter and an indentation."},
		},
		"several fonts in a line": {
			pdftest.Page{Texts: []pdftest.Text{{X: 72, Y: 700, S: "The value of "}, {X: 145, Y: 700, Font: pdftest.Mono, S: "max_connections"}, {X: 258, Y: 700, Font: pdftest.Serif, S: "is 100."}}},
			[]string{"The value of max_connections is 100."},
		},
		"control characters and odd spaces": {
			pdftest.Page{Texts: []pdftest.Text{{X: 72, Y: 700, S: "Form\x0cfeed,\x0b tab\tand\u00a0no-break   space."}}},
			[]string{"Form feed, tab and no-break space."},
		},
		"empty":       {pdftest.Page{}, nil},
		"only spaces": {pdftest.Page{Texts: []pdftest.Text{{X: 72, Y: 700, S: "     "}}}, nil},
		"outside of the crop box": {
			pdftest.Page{CropBox: []float64{50, 50, 562, 710}, Texts: []pdftest.Text{{X: 72, Y: 740, S: "Nobody sees this."}, {X: 72, Y: 600, S: "Everybody sees this."}}},
			[]string{"Everybody sees this."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			page := mustExtractWithText(t, c.page)
			if got := sentences(page); !slices.Equal(got, c.want) {
				t.Errorf("sentences\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func row(y float64, cells ...string) []pdftest.Text {
	var texts []pdftest.Text
	for i, c := range cells {
		x := 72.0
		if i > 0 {
			x = 200 + 100*float64(i)
		}
		texts = append(texts, pdftest.Text{X: x, Y: y, Size: 10, S: c})
	}
	return texts
}
