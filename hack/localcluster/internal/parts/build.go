package parts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"chatpdf.dev/operator/hack/localcluster/internal/command"
	"chatpdf.dev/operator/hack/localcluster/internal/console"
	"chatpdf.dev/operator/hack/localcluster/internal/flock"
)

// lockTimeout bounds the wait for another build of the same part: a cold build
// of Kubernetes on two busy cores takes about ten minutes.
const lockTimeout = 40 * time.Minute

// Builder finds or builds parts below one cache directory.
type Builder struct {
	Cache   string
	Console *console.Console
}

// Find returns the directory of every given part, and the names of those that
// are not built yet.
func (b Builder) Find(wanted []Part) (dirs map[string]string, missing []string, err error) {
	dirs = map[string]string{}
	for _, p := range wanted {
		dir, err := b.directory(p)
		if err != nil {
			return nil, nil, err
		}
		if _, err := os.Stat(dir); err != nil {
			missing = append(missing, p.Name)
		}
		dirs[p.Name] = dir
	}
	return dirs, missing, nil
}

// Build makes sure that every given part is built, and returns their
// directories. Parts that are there cost nothing.
func (b Builder) Build(ctx context.Context, wanted []Part) (map[string]string, error) {
	dirs, missing, err := b.Find(wanted)
	if err != nil || len(missing) == 0 {
		return dirs, err
	}
	if _, err := exec.LookPath("go"); err != nil {
		return nil, fmt.Errorf("%s must be built and there is no go command in PATH: install Go 1.26 or newer (under sudo the PATH is another: run the command without sudo)", strings.Join(missing, ", "))
	}
	done := 0
	for _, p := range wanted {
		if !slices.Contains(missing, p.Name) {
			continue
		}
		done++
		name := fmt.Sprintf("build %d/%d: %s %s", done, len(missing), p.Name, p.Version)
		err := b.Console.Step(name, func(step *console.Step) error { return b.buildOne(ctx, p, dirs[p.Name], step) })
		if err != nil {
			return nil, err
		}
	}
	return dirs, nil
}

func (b Builder) directory(p Part) (string, error) {
	key, err := p.key()
	return filepath.Join(b.Cache, "bin", key), err
}

// buildOne builds a part beside its directory and moves it into place whole,
// so that a directory that exists is complete.
func (b Builder) buildOne(ctx context.Context, p Part, dir string, step *console.Step) error {
	lock, err := flock.Take(ctx, filepath.Join(b.Cache, "locks", filepath.Base(dir)), lockTimeout, func() {
		step.Report("another process is building it: waiting")
	})
	if err != nil {
		return err
	}
	defer lock.Release()
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	source := filepath.Join(b.Cache, "src", filepath.Base(dir))
	if err := b.writeSources(p, source); err != nil {
		return err
	}
	partial := dir + ".partial"
	if err := errors.Join(os.RemoveAll(partial), os.MkdirAll(partial, 0o755)); err != nil {
		return fmt.Errorf("making room for the build of %s: %w", p.Name, err)
	}
	cmd := exec.CommandContext(ctx, "go", p.buildArgs(partial)...)
	cmd.Dir = source
	// Settings of the caller's own project must not leak into the build.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOOS=", "GOARCH=", "PWD="+source)
	if err := run(cmd, step); err != nil {
		return fmt.Errorf("building %s: %w", p.Name, err)
	}
	for program, pkg := range p.Programs {
		if err := os.Rename(filepath.Join(partial, defaultName(pkg)), filepath.Join(partial, program)); err != nil {
			return fmt.Errorf("building %s: %w", p.Name, err)
		}
	}
	if err := os.Rename(partial, dir); err != nil {
		return fmt.Errorf("putting the built %s into place: %w", p.Name, err)
	}
	return nil
}

func (b Builder) writeSources(p Part, dir string) error {
	files, err := p.sources()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the module of %s: %w", p.Name, err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return fmt.Errorf("writing the module of %s: %w", p.Name, err)
		}
	}
	return nil
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// defaultName is the name that the go command gives the program of a package.
func defaultName(pkg string) string {
	if base := path.Base(pkg); !majorVersion.MatchString(base) {
		return base
	}
	return path.Base(path.Dir(pkg))
}

// importPath matches what go build -v prints as it compiles.
var importPath = regexp.MustCompile(`^[a-z0-9.]+(/[^\s:]+)*$`)

// run runs a go command and reports its progress.
func run(cmd *exec.Cmd, step *console.Step) error {
	compiled := 0
	return command.Run(cmd, func(line string) bool {
		module, downloading := strings.CutPrefix(line, "go: downloading ")
		switch {
		case downloading:
			step.Report("downloading %s", module)
		case importPath.MatchString(line):
			compiled++
			step.Report("%d packages compiled", compiled)
		default:
			return false
		}
		return true
	})
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
