package parts

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Assemble returns one directory that holds the programs of all the given
// parts (links to where Build put them), for tools that want a single
// directory, such as envtest's KUBEBUILDER_ASSETS.
func (b Builder) Assemble(wanted []Part, dirs map[string]string) (string, error) {
	hash := sha256.New()
	for _, p := range wanted {
		fmt.Fprintln(hash, dirs[p.Name])
	}
	assembled := filepath.Join(b.Cache, "bin", "all-"+hex.EncodeToString(hash.Sum(nil))[:12])
	if _, err := os.Stat(assembled); err == nil {
		return assembled, nil
	}
	if err := os.MkdirAll(filepath.Dir(assembled), 0o755); err != nil {
		return "", fmt.Errorf("making the directory of all programs: %w", err)
	}
	partial, err := os.MkdirTemp(filepath.Dir(assembled), ".assemble-*")
	if err != nil {
		return "", fmt.Errorf("making the directory of all programs: %w", err)
	}
	defer os.RemoveAll(partial)
	errs := []error{os.Chmod(partial, 0o755)}
	for _, p := range wanted {
		for program := range p.Programs {
			target := filepath.Join("..", filepath.Base(dirs[p.Name]), program)
			errs = append(errs, os.Symlink(target, filepath.Join(partial, program)))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return "", fmt.Errorf("linking the programs into one directory: %w", err)
	}
	// Another process may have been quicker with the same content.
	if err := os.Rename(partial, assembled); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("putting the directory of all programs into place: %w", err)
	}
	return assembled, nil
}
