package retrieve

import (
	"container/list"
	"sync"

	"chatpdf.dev/operator/app/chatpdf"
)

// Cache keeps indexes up to a number of bytes and forgets the one used longest ago. It may be used by
// many goroutines.
type Cache struct {
	mu       sync.Mutex
	maxBytes int64
	bytes    int64
	entries  map[chatpdf.DocumentID]*list.Element // of entry
	recent   *list.List                           // front: used last
	building map[chatpdf.DocumentID]*building
}

type entry struct {
	document chatpdf.DocumentID
	index    *Index
}

// building is an index on its way; done is closed when it is there or has failed.
type building struct {
	done    chan struct{}
	index   *Index // nil: failed
	removed bool   // the document went meanwhile: hand out, do not keep
}

// NewCache makes a cache for maxBytes bytes of indexes.
func NewCache(maxBytes int64) *Cache {
	return &Cache{
		maxBytes: maxBytes,
		entries:  map[chatpdf.DocumentID]*list.Element{},
		recent:   list.New(),
		building: map[chatpdf.DocumentID]*building{},
	}
}

// Get returns the index of a document. If it is not there, exactly one of the callers waiting for it
// runs build; if that fails, the next one tries with its own, so that nobody suffers from a stranger's
// cancelled request. An index larger than the whole cache is returned and not kept.
func (c *Cache) Get(document chatpdf.DocumentID, build func() (*Index, error)) (*Index, error) {
	for {
		c.mu.Lock()
		if e, ok := c.entries[document]; ok {
			c.recent.MoveToFront(e)
			c.mu.Unlock()
			return e.Value.(entry).index, nil
		}
		b, ok := c.building[document]
		if !ok {
			b = &building{done: make(chan struct{})}
			c.building[document] = b
			c.mu.Unlock()
			return c.build(document, b, build)
		}
		c.mu.Unlock()
		<-b.done
		if b.index != nil {
			return b.index, nil
		}
	}
}

// build makes an index, keeps it and wakes those who wait, also if build panics.
func (c *Cache) build(document chatpdf.DocumentID, b *building, build func() (*Index, error)) (*Index, error) {
	var index *Index
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		b.index = index
		if c.building[document] == b {
			delete(c.building, document)
		}
		if index != nil && !b.removed {
			c.keep(document, index)
		}
		close(b.done)
	}()
	built, err := build()
	if err != nil {
		return nil, err
	}
	index = built
	return index, nil
}

// keep puts an index in front and forgets from the back what is too much. The lock is held.
func (c *Cache) keep(document chatpdf.DocumentID, index *Index) {
	if index.Size() > c.maxBytes {
		return
	}
	c.drop(document)
	c.entries[document] = c.recent.PushFront(entry{document, index})
	c.bytes += index.Size()
	for c.bytes > c.maxBytes {
		c.drop(c.recent.Back().Value.(entry).document)
	}
}

// drop forgets an index. The lock is held.
func (c *Cache) drop(document chatpdf.DocumentID) {
	e, ok := c.entries[document]
	if !ok {
		return
	}
	c.bytes -= c.recent.Remove(e).(entry).index.Size()
	delete(c.entries, document)
}

// Remove forgets a document, for instance because it was deleted.
func (c *Cache) Remove(document chatpdf.DocumentID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(document)
	if b, ok := c.building[document]; ok {
		b.removed = true
		delete(c.building, document)
	}
}

// Size is how many bytes of indexes the cache holds.
func (c *Cache) Size() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}
