package retrieve

import (
	"container/heap"
	"slices"
)

// top keeps the best of many hits.
type top struct {
	limit int
	heap  worstFirst
}

func newTop(limit int) *top { return &top{limit: limit} }

func (t *top) add(h Hit) {
	if len(t.heap) < t.limit {
		heap.Push(&t.heap, h)
		return
	}
	if t.limit > 0 && compare(h, t.heap[0]) < 0 {
		t.heap[0] = h
		heap.Fix(&t.heap, 0)
	}
}

// hits gives them best first.
func (t *top) hits() []Hit {
	slices.SortFunc(t.heap, compare)
	return t.heap
}

// worstFirst is a heap with the worst hit on top.
type worstFirst []Hit

func (h worstFirst) Len() int           { return len(h) }
func (h worstFirst) Less(i, j int) bool { return compare(h[i], h[j]) > 0 }
func (h worstFirst) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *worstFirst) Push(x any)        { *h = append(*h, x.(Hit)) }
func (h *worstFirst) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
