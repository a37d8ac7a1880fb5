package retrieve

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"chatpdf.dev/operator/app/chatpdf"
)

func sized(document chatpdf.DocumentID) *Index {
	return index(document, strings.Repeat("some words of a passage ", 20))
}

func TestCacheForgetsWhatWasUsedLongestAgo(t *testing.T) {
	one := sized("a").Size()
	c := NewCache(3 * one)
	builds := map[chatpdf.DocumentID]int{}
	get := func(d chatpdf.DocumentID) {
		t.Helper()
		ix, err := c.Get(d, func() (*Index, error) { builds[d]++; return sized(d), nil })
		if err != nil || ix.Document() != d {
			t.Fatalf("index of %q, error %v", ix.Document(), err)
		}
	}
	for _, d := range []chatpdf.DocumentID{"a", "b", "c", "a", "d", "a", "c", "d", "b"} {
		get(d)
	}
	if want := (map[chatpdf.DocumentID]int{"a": 1, "b": 2, "c": 1, "d": 1}); fmt.Sprint(builds) != fmt.Sprint(want) {
		t.Errorf("builds %v, want %v", builds, want)
	}
	if c.Size() != 3*one {
		t.Errorf("holds %d bytes, want %d", c.Size(), 3*one)
	}
	c.Remove("b")
	c.Remove("never there")
	if c.Size() != 2*one {
		t.Errorf("holds %d bytes after a removal, want %d", c.Size(), 2*one)
	}
}

func TestIndexLargerThanTheCacheIsUsedOnce(t *testing.T) {
	c := NewCache(10)
	for range 2 {
		if ix, err := c.Get("a", func() (*Index, error) { return sized("a"), nil }); err != nil || ix == nil {
			t.Fatalf("index %v, error %v", ix, err)
		}
	}
	if c.Size() != 0 {
		t.Errorf("holds %d bytes", c.Size())
	}
}

func TestManyAskAndOneBuilds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewCache(1 << 20)
		var builds atomic.Int32
		release := make(chan struct{})
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				ix, err := c.Get("a", func() (*Index, error) {
					builds.Add(1)
					<-release
					return sized("a"), nil
				})
				if err != nil || ix.Document() != "a" {
					t.Errorf("index %v, error %v", ix, err)
				}
			})
		}
		synctest.Wait()
		close(release)
		group.Wait()
		if builds.Load() != 1 {
			t.Errorf("%d builds", builds.Load())
		}
	})
}

func TestFailedBuildHurtsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewCache(1 << 20)
		cancelled := errors.New("request cancelled")
		release := make(chan struct{})
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := c.Get("a", func() (*Index, error) { <-release; return nil, cancelled }); !errors.Is(err, cancelled) {
				t.Errorf("error %v, want %v", err, cancelled)
			}
		})
		synctest.Wait()
		group.Go(func() {
			if ix, err := c.Get("a", func() (*Index, error) { return sized("a"), nil }); err != nil || ix == nil {
				t.Errorf("the second caller got %v, %v", ix, err)
			}
		})
		synctest.Wait()
		close(release)
		group.Wait()
	})
}

func TestDocumentDeletedWhileItsIndexIsBuiltIsNotKept(t *testing.T) {
	c := NewCache(1 << 20)
	if _, err := c.Get("a", func() (*Index, error) {
		c.Remove("a")
		return sized("a"), nil
	}); err != nil {
		t.Fatal(err)
	}
	if c.Size() != 0 {
		t.Errorf("holds %d bytes of a deleted document", c.Size())
	}
}

func TestPanickingBuildDoesNotBlockOthers(t *testing.T) {
	c := NewCache(1 << 20)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		c.Get("a", func() (*Index, error) { panic("bug") }) //nolint:errcheck // it panics
	}()
	if ix, err := c.Get("a", func() (*Index, error) { return sized("a"), nil }); err != nil || ix == nil {
		t.Errorf("index %v, error %v", ix, err)
	}
}
