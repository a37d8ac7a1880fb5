package console

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestALogGetsOneLinePerStepWithItsOutcome(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	c := New(file)
	if err := c.Step("first", func(s *Step) error { s.Report("%d of 2", 2); return nil }); err != nil {
		t.Error(err)
	}
	failure := errors.New("no")
	if err := c.Step("second", func(*Step) error { return failure }); !errors.Is(err, failure) {
		t.Errorf("the step's error became %v", err)
	}
	c.Say("done")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "✓") || !strings.HasSuffix(lines[0], "first  (2 of 2)") ||
		!strings.HasPrefix(lines[1], "✗") || strings.Contains(string(content), "\x1b") {
		t.Errorf("the log holds %q", lines)
	}
}
