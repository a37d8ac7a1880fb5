package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

// LogFile returns the log of a program, by its name or by the end of its name
// if only one fits.
func (c Cluster) LogFile(program string) (string, error) {
	s := spec.Spec{Dir: c.Dir()}
	var all, fit []string
	err := filepath.WalkDir(s.Logs(), func(path string, entry os.DirEntry, err error) error {
		name, isLog := strings.CutSuffix(path, ".log")
		if err != nil || entry.IsDir() || !isLog {
			return err
		}
		name, err = filepath.Rel(s.Logs(), name)
		all = append(all, name)
		if name == program || filepath.Base(name) == program {
			fit = append(fit, path)
		}
		return err
	})
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("the cluster %s %w", c.Name, ErrDown)
	}
	if err != nil {
		return "", fmt.Errorf("looking for logs: %w", err)
	}
	switch {
	case len(fit) == 1:
		return fit[0], nil
	case len(fit) > 1:
		return "", fmt.Errorf("every node has a %s: choose one of %s", program, strings.Join(all, ", "))
	}
	return "", fmt.Errorf("there is no log of %q: choose one of %s", program, strings.Join(all, ", "))
}
