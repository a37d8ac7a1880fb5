// Command chart writes what charts/chatpdf-operator takes from elsewhere, so that the two never differ:
// the CRDs from config/crd/bases, the RBAC rules from config/rbac, and the table of values in the
// chart's README from the comments in its values.yaml. With --check it writes nothing and fails if a
// file is not what it would write.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

const usage = `Write the generated files of charts/chatpdf-operator. Run it at the root of the repository.

Usage:
  go run ./hack/chart [--check]

  --check   write nothing; fail if a file is not up to date

Example:
  make manifests && go run ./hack/chart
`

func main() {
	flags := flag.NewFlagSet("chart", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	check := flags.Bool("check", false, "")
	switch err := flags.Parse(os.Args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(usage)
		return
	case err != nil || flags.NArg() > 0:
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	act := write
	if *check {
		act = compare
	}
	if err := run(".", act); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

// run generates every file below root and hands them to act.
func run(root string, act func(root string, files map[string][]byte) error) error {
	files, err := generate(root)
	if err != nil {
		return err
	}
	return act(root, files)
}

// generate returns the content of every generated file, by its path below root.
func generate(root string) (map[string][]byte, error) {
	files, err := crdTemplates(filepath.Join(root, "config/crd/bases"))
	if err != nil {
		return nil, err
	}
	if files[rulesTemplate], err = ruleTemplates(filepath.Join(root, "config/rbac")); err != nil {
		return nil, err
	}
	if files[readme], err = readmeWithValues(root); err != nil {
		return nil, err
	}
	return files, nil
}

func write(root string, files map[string][]byte) error {
	for path, content := range files {
		if err := os.WriteFile(filepath.Join(root, path), content, 0o644); err != nil {
			return err
		}
	}
	stale, err := staleTemplates(root, files)
	if err != nil {
		return err
	}
	for _, path := range stale {
		if err := os.Remove(filepath.Join(root, path)); err != nil {
			return err
		}
	}
	return nil
}

func compare(root string, files map[string][]byte) error {
	different, err := staleTemplates(root, files)
	if err != nil {
		return err
	}
	for path, content := range files {
		found, err := os.ReadFile(filepath.Join(root, path))
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		if !bytes.Equal(found, content) {
			different = append(different, path)
		}
	}
	if len(different) > 0 {
		slices.Sort(different)
		return fmt.Errorf("not up to date: %q. Run `go run ./hack/chart` and commit what it changes", different)
	}
	return nil
}

// staleTemplates lists the CRD templates of CRDs that are no more.
func staleTemplates(root string, files map[string][]byte) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(root, crdTemplateDirectory, "*"))
	if err != nil {
		return nil, err
	}
	wanted := slices.Collect(maps.Keys(files))
	var stale []string
	for _, file := range found {
		path, err := filepath.Rel(root, file)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(wanted, path) {
			stale = append(stale, path)
		}
	}
	return stale, nil
}
