package retrieve

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"chatpdf.dev/operator/app/chatpdf"
)

func index(document chatpdf.DocumentID, texts ...string) *Index {
	b := NewBuilder(document)
	for i, text := range texts {
		b.Add(chatpdf.Passage{Document: document, Ordinal: i, Text: text})
	}
	return b.Index()
}

func TestScoresAreThoseOfBM25(t *testing.T) {
	ix := index("d", "cat dog", "cat cat bird fish", "horse")
	hits := Search([]*Index{ix}, Query{Text: "cat bird", Limit: 10})
	// Worked out by hand: 3 passages, 7 terms; idf = ln(1 + (3-n+0.5)/(n+0.5)).
	average := 7.0 / 3
	score := func(count, length float64, n float64) float64 {
		return math.Log(1+(3-n+0.5)/(n+0.5)) * count * 1.9 / (count + 0.9*(0.6+0.4*length/average))
	}
	want := []Hit{
		{"d", 1, score(2, 4, 2) + score(1, 4, 1)},
		{"d", 0, score(1, 2, 2)},
	}
	if len(hits) != 2 {
		t.Fatalf("hits %+v", hits)
	}
	for i, h := range hits {
		if h.Ordinal != want[i].Ordinal || math.Abs(h.Score-want[i].Score) > 1e-12 {
			t.Errorf("hit %d is %+v, want %+v", i, h, want[i])
		}
	}
}

func TestDocumentsSearchedTogetherRankLikeOne(t *testing.T) {
	texts := []string{"the annual report of the company", "revenue and profit", "revenue by region", "a profit warning", "company history", "regions of the world"}
	whole := index("w", texts...)
	a, b := index("a", texts[:2]...), index("b", texts[2:]...)
	for _, q := range []string{"revenue", "company profit", "region", "annual report revenue"} {
		one := Search([]*Index{whole}, Query{Text: q, Limit: 10})
		two := Search([]*Index{a, b}, Query{Text: q, Limit: 10})
		if len(one) != len(two) {
			t.Fatalf("%q: %d and %d hits", q, len(one), len(two))
		}
		for i := range one {
			ordinal := two[i].Ordinal
			if two[i].Document == "b" {
				ordinal += 2
			}
			if one[i].Ordinal != ordinal || math.Abs(one[i].Score-two[i].Score) > 1e-12 {
				t.Errorf("%q: hit %d is %+v alone, %+v together", q, i, one[i], two[i])
			}
		}
	}
}

func TestSearchWithoutAMatchFindsNothing(t *testing.T) {
	ix := index("d", "cat dog")
	for name, hits := range map[string][]Hit{
		"unknown word": Search([]*Index{ix}, Query{Text: "zebra", Limit: 5}),
		"no words":     Search([]*Index{ix}, Query{Text: "?!", Limit: 5}),
		"no documents": Search(nil, Query{Text: "cat", Limit: 5}),
		"empty index":  Search([]*Index{index("e")}, Query{Text: "cat", Limit: 5}),
		"no limit":     Search([]*Index{ix}, Query{Text: "cat"}),
	} {
		if len(hits) != 0 {
			t.Errorf("%s: %+v", name, hits)
		}
	}
}

func TestLimitKeepsTheBest(t *testing.T) {
	var texts []string
	for i := range 100 {
		text := "filler"
		for range i % 10 {
			text += " cat"
		}
		texts = append(texts, text)
	}
	ix := index("d", texts...)
	all := Search([]*Index{ix}, Query{Text: "cat", Limit: 1000})
	few := Search([]*Index{ix}, Query{Text: "cat", Limit: 7})
	if len(all) != 90 || !slices.Equal(all[:7], few) {
		t.Errorf("%d hits; the first %+v, want %+v", len(all), few, all[:7])
	}
}

func TestVectorsFindWhatWordsDoNot(t *testing.T) {
	b := NewBuilder("d")
	b.Add(chatpdf.Passage{Ordinal: 0, Text: "automobile", Vector: []float32{1, 0}})
	b.Add(chatpdf.Passage{Ordinal: 1, Text: "banana", Vector: []float32{0, 1}})
	b.Add(chatpdf.Passage{Ordinal: 2, Text: "car of another model", Vector: []float32{1, 0, 0}})
	b.Add(chatpdf.Passage{Ordinal: 3, Text: "not embedded"})
	ix := b.Index()
	hits := searchVectors([]*Index{ix}, []float32{0.8, 0.6}, 10)
	if len(hits) != 2 || hits[0].Ordinal != 0 || hits[1].Ordinal != 1 || math.Abs(hits[0].Score-0.8) > 1e-6 {
		t.Errorf("hits %+v", hits)
	}
	if hits := Search([]*Index{ix}, Query{Text: "car", Vector: []float32{0.8, 0.6}, Limit: 3}); len(hits) != 3 {
		t.Errorf("fused hits %+v: two by vector, one by word", hits)
	}
	if hits := Search([]*Index{ix}, Query{Text: "car", Vector: []float32{1, 0, 0, 0}, Limit: 3}); len(hits) != 1 || hits[0].Ordinal != 2 {
		t.Errorf("hits %+v: vectors of another length must take no part", hits)
	}
}

func TestFusionRewardsBeingFoundTwice(t *testing.T) {
	words := []Hit{{"d", 1, 9}, {"d", 2, 8}, {"d", 3, 7}}
	meaning := []Hit{{"d", 4, 0.9}, {"d", 2, 0.8}}
	hits := Fuse(10, words, meaning)
	if len(hits) != 4 || hits[0].Ordinal != 2 || math.Abs(hits[0].Score-2.0/62) > 1e-12 {
		t.Errorf("hits %+v", hits)
	}
	if !slices.Equal(hits, Fuse(10, words, meaning)) {
		t.Error("the order changes from call to call")
	}
}

func TestDotProductOfAnyLength(t *testing.T) {
	for n := range 20 {
		a, b, want := make([]float32, n), make([]float32, n), float32(0)
		for i := range n {
			a[i], b[i] = float32(i+1), float32(2*i-3)
			want += a[i] * b[i]
		}
		if got := dot(a, b); got != want {
			t.Errorf("%d dimensions: %v, want %v", n, got, want)
		}
	}
}

// BenchmarkSearch searches 20,000 passages of 150 words in 50 documents, by words and by vectors of 512
// dimensions.
func BenchmarkSearch(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 20_000)
	for i := range words {
		words[i] = fmt.Sprintf("word%c%d", 'a'+i%26, i)
	}
	var indexes []*Index
	for d := range 50 {
		builder := NewBuilder(chatpdf.DocumentID(fmt.Sprint(d)))
		for ordinal := range 400 {
			text := ""
			for range 150 {
				text += words[int(float64(len(words))*math.Pow(random.Float64(), 4))] + " "
			}
			vector := make([]float32, 512)
			for i := range vector {
				vector[i] = random.Float32() - 0.5
			}
			builder.Add(chatpdf.Passage{Ordinal: ordinal, Text: text, Vector: vector})
		}
		indexes = append(indexes, builder.Index())
	}
	query := Query{Text: "worda0 wordb1 wordc28 wordd29 worde30 wordz51", Limit: 12}
	b.Run("words", func(b *testing.B) {
		for b.Loop() {
			Search(indexes, query)
		}
	})
	query.Vector = make([]float32, 512)
	query.Vector[3] = 1
	b.Run("words and vectors", func(b *testing.B) {
		for b.Loop() {
			Search(indexes, query)
		}
	})
	size := int64(0)
	for _, ix := range indexes {
		size += ix.Size()
	}
	b.Logf("%d kB for 20,000 passages", size/1000)
}
