package config

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
)

// maxFile bounds what is read from a NAME_FILE.
const maxFile = 1 << 20

// Text is a value that may live in a file, which is then read again on each use, so that a changed
// file takes effect without a restart.
type Text struct {
	value string
	file  string // wins over value
}

// UnmarshalText takes the value itself.
func (t *Text) UnmarshalText(text []byte) error {
	t.value = string(text)
	return nil
}

// IsSet says whether there was a value at the start.
func (t Text) IsSet() bool { return t.value != "" }

// Read returns the present value: of the file, if there is one, without blanks around it.
func (t Text) Read() (string, error) {
	if t.file == "" {
		return t.value, nil
	}
	return readFile(t.file)
}

// Secret is a Text that no log, status or error shows.
type Secret struct{ text Text }

const redacted = "[redacted]"

// NewSecret is a secret that lives in no file.
func NewSecret(value string) Secret { return Secret{Text{value: value}} }

// UnmarshalText takes the value itself.
func (s *Secret) UnmarshalText(text []byte) error { return s.text.UnmarshalText(text) }

// IsSet says whether there was a value at the start.
func (s Secret) IsSet() bool { return s.text.IsSet() }

// Read returns the present value, of the file if there is one. Only who needs the secret itself calls it.
func (s Secret) Read() (string, error) { return s.text.Read() }

// String hides the value.
func (s Secret) String() string { return redacted }

// Format hides the value from every verb of package fmt, %#v and %x included.
func (s Secret) Format(f fmt.State, _ rune) { f.Write([]byte(redacted)) } //nolint:errcheck // fmt reports it

// LogValue hides the value from package log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the value.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText hides the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

func readFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Size() > maxFile {
		return "", fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(content)), nil
}
