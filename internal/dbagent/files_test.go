package dbagent

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAUserIsReadAsTheOperatorGivesItToTheDatabase(t *testing.T) {
	for _, c := range []struct {
		name, username, password string
		want                     string // the password; empty if it is refused
	}{
		{"made by the operator", "chatpdf-metrics", "5PLJBMOFRJH7NZ7C6WQ2R", "5PLJBMOFRJH7NZ7C6WQ2R"},
		{"a password with a line break at its end", "chatpdf-metrics", "secret\n", "secret"},
		{"a password between spaces", "chatpdf-metrics", " secret ", " secret "},
		{"no password", "chatpdf-metrics", "", ""},
		{"nothing but a line break", "chatpdf-metrics", "\n", ""},
		{"no name", "", "secret", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			directory := t.TempDir()
			for name, content := range map[string]string{"username": c.username, "password": c.password} {
				if err := os.WriteFile(filepath.Join(directory, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			username, password, err := ReadUser(directory)
			if c.want == "" {
				if err == nil {
					t.Errorf("it read %q and %q", username, password)
				}
			} else if err != nil || username != c.username || password != c.want {
				t.Errorf("it read %q and %q, %v", username, password, err)
			}
		})
	}
}
