package dbagent

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAUserIsReadToTheByteAsTheOperatorGivesItToTheDatabase(t *testing.T) {
	for _, c := range []struct {
		name, username, password string
		refused                  bool
	}{
		{"made by the operator", "chatpdf-metrics", "5PLJBMOFRJH7NZ7C6WQ2R", false},
		{"a password with a line break at its end", "chatpdf-metrics", "secret\n", false},
		{"a password between spaces", "chatpdf-metrics", " secret ", false},
		{"no password", "chatpdf-metrics", "", true},
		{"nothing but a line break", "chatpdf-metrics", "\n", true},
		{"no name", "", "secret", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			directory := t.TempDir()
			for name, content := range map[string]string{"username": c.username, "password": c.password} {
				if err := os.WriteFile(filepath.Join(directory, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			username, password, err := ReadUser(directory)
			if c.refused {
				if err == nil {
					t.Errorf("it read %q and %q", username, password)
				}
			} else if err != nil || username != c.username || password != c.password {
				t.Errorf("it read %q and %q, %v", username, password, err)
			}
		})
	}
}
