package supervise

import (
	"os"
	"path/filepath"
	"testing"
)

func TestALogThatGrewTooLongStartsAnewAndKeepsWhatItHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	log, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for _, line := range []string{"first ", "second "} {
		if _, err := log.WriteString(line); err != nil {
			t.Fatal(err)
		}
		if err := trim(path, 8); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := log.WriteString("third"); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{path: "third", path + ".1": "first second "} {
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s holds %q (%v), want %q", filepath.Base(file), got, err, want)
		}
	}
	if err := trim(filepath.Join(t.TempDir(), "none.log"), 8); err != nil {
		t.Errorf("a log that is not there: %v", err)
	}
}
