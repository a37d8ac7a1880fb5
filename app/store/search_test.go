package store_test

import (
	"reflect"
	"testing"
	"time"

	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/store"
	"chatpdf.dev/operator/app/store/storetest"
)

func TestPassagesComeBackAsTheyWereStored(t *testing.T) {
	s := storetest.New(t, replicaSet)
	owner := storetest.User(t, s)
	storetest.Upload(t, s, owner, "a.pdf", []byte("a"))
	l := claim(t, s, time.Minute)
	want := addText(t, s, l, 3)
	leased, err := s.LeasedPassages(t.Context(), l, 2, 2)
	if err != nil || !reflect.DeepEqual(leased, want[2:4]) {
		t.Fatalf("leased %+v, %v", leased, err)
	}
	for i := range want {
		want[i].Vector = []float32{float32(i), .5, -1}
	}
	if err := s.AddVectors(t.Context(), l, want, 3); err != nil {
		t.Fatal(err)
	}
	if err := s.FinishJob(t.Context(), l, &store.Embedding{Model: "m", Dims: 3}); err != nil {
		t.Fatal(err)
	}
	documents, err := s.SearchableDocuments(t.Context(), owner, []chatpdf.DocumentID{l.Document.ID}, 10)
	if err != nil || len(documents) != 1 || *documents[0].Embedding != (store.Embedding{Model: "m", Dims: 3}) {
		t.Fatalf("%+v, %v", documents, err)
	}
	at, err := s.PassagesAt(t.Context(), documents[0], []int{5, 0})
	if err != nil || !reflect.DeepEqual(at, []chatpdf.Passage{want[0], want[5]}) {
		t.Fatalf("at %+v, %v", at, err)
	}
	i := 0
	for p, err := range s.Passages(t.Context(), documents[0]) {
		if err != nil || p.Text != want[i].Text || !reflect.DeepEqual(p.Vector, want[i].Vector) || p.Ordinal != i {
			t.Fatalf("passage %d: %+v, %v", i, p, err)
		}
		i++
	}
	if i != len(want) {
		t.Fatalf("%d passages, want %d", i, len(want))
	}
}

func TestOnlyReadyDocumentsAreSearched(t *testing.T) {
	s := storetest.New(t, replicaSet)
	owner := storetest.User(t, s)
	for _, content := range []string{"queued", "processing", "failed"} {
		storetest.Upload(t, s, owner, content, []byte(content))
	}
	addText(t, s, claim(t, s, time.Minute), 1)
	failed := claim(t, s, time.Minute)
	addText(t, s, failed, 1)
	if err := s.FailJob(t.Context(), failed, &chatpdf.Failure{Code: chatpdf.FailureDamaged, Message: "$broken"}); err != nil {
		t.Fatal(err)
	}
	if texts := read(t, s, owner); len(texts) != 0 {
		t.Fatalf("searchable: %q", texts)
	}
	d, err := s.Document(t.Context(), owner, failed.Document.ID)
	if err != nil || d.Failure == nil || *d.Failure != (chatpdf.Failure{Code: chatpdf.FailureDamaged, Message: "$broken"}) {
		t.Fatalf("%+v, %v", d, err)
	}
	if n := count(t, s, "pages")["pages"]; n != 1 {
		t.Fatalf("%d pages stored, want those of the processing document only", n)
	}
}
