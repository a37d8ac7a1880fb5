package store_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/store"
)

// pageWith is a page whose text is one passage per sentence, "One. Eins." for page 1.
func pageWith(id chatpdf.DocumentID, number int, text string) (chatpdf.Page, []chatpdf.Passage) {
	rects := []chatpdf.Rect{{X0: .1, Y0: .2, X1: .3, Y1: .4}, {X0: .5, Y0: .6, X1: .7, Y1: .8}}
	page := chatpdf.Page{Number: number, Width: 595, Height: 842, Text: text}
	var passages []chatpdf.Passage
	for start, i := 0, 0; i < len(text); i++ {
		if text[i] != '.' {
			continue
		}
		sentence := chatpdf.Sentence{Start: start, End: i + 1, Rects: rects}
		page.Sentences = append(page.Sentences, sentence)
		passages = append(passages, chatpdf.Passage{Document: id, Page: number, Ordinal: 2*(number-1) + len(passages),
			Start: start, End: i + 1, Text: text[start : i+1], Sentences: []chatpdf.Sentence{sentence}})
		start = i + 2
	}
	return page, passages
}

func addText(t *testing.T, s *store.Store, l *store.Lease, pages int) []chatpdf.Passage {
	t.Helper()
	if err := s.BeginText(t.Context(), l, pages); err != nil {
		t.Fatal(err)
	}
	var all []chatpdf.Passage
	for number := 1; number <= pages; number++ {
		page, passages := pageWith(l.Document.ID, number, "One. Eins.")
		if err := s.AddText(t.Context(), l, []chatpdf.Page{page}, passages, number); err != nil {
			t.Fatal(err)
		}
		all = append(all, passages...)
	}
	return all
}

// read returns the texts of all passages that an owner can search.
func read(t *testing.T, s *store.Store, owner chatpdf.UserID) (texts []string) {
	t.Helper()
	documents, err := s.SearchableDocuments(t.Context(), owner, nil, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range documents {
		for p, err := range s.Passages(t.Context(), d) {
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, p.Text)
		}
	}
	return texts
}

// count says how many rows collections have.
func count(t *testing.T, s *store.Store, collections ...string) map[string]int64 {
	t.Helper()
	rows := map[string]int64{}
	for _, name := range collections {
		n, err := store.Collection(s, name).CountDocuments(t.Context(), bson.M{})
		if err != nil {
			t.Fatal(err)
		}
		rows[name] = n
	}
	return rows
}
