package packages

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestOnlyWhatIsNotThereIsMissing(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "x86_64-linux-gnu"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x86_64-linux-gnu", "libthere.so.1"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	got := Missing([]Need{
		{[]string{"sh"}, "dash"},
		{[]string{filepath.Join(dir, "none"), filepath.Join(dir, "*", "libthere.so.1")}, "libthere1"},
		{[]string{filepath.Join(dir, "*", "libgone.so.1")}, "libgone1"},
		{[]string{"no-such-program-anywhere"}, "absent"},
		{[]string{"neither-this-one"}, "absent"},
	})
	if want := []string{"absent", "libgone1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
