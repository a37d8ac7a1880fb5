package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/spf13/cobra"

	"chatpdf.dev/operator/hack/localcluster/internal/console"
	"chatpdf.dev/operator/hack/localcluster/internal/images"
	"chatpdf.dev/operator/hack/localcluster/internal/invoker"
	"chatpdf.dev/operator/hack/localcluster/internal/parts"
	"chatpdf.dev/operator/hack/localcluster/internal/preflight"
	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

func buildCommand(s *settings) *cobra.Command {
	printDir := false
	cmd := &cobra.Command{
		Use:   "build [PART...]",
		Short: "Build the programs of the cluster, or find them in the cache",
		Long: `Build the programs of the cluster, or find them in the cache. Without names:
all that a cluster consists of. A cold build takes some fifteen minutes on two
cores, a warm one no time.`,
		Example: `  localcluster build
  localcluster build versitygw kwok
  export KUBEBUILDER_ASSETS=$(localcluster build kubernetes etcd --print-dir)`,
		RunE: func(cmd *cobra.Command, names []string) error {
			built, err := s.build(cmd.Context(), stderr(), names, nil)
			if err == nil && printDir {
				fmt.Fprintln(cmd.OutOrStdout(), built.programs)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&printDir, "print-dir", false, "print the directory that holds the programs of these parts")
	return cmd
}

// built is where things are in the cache.
type built struct {
	// programs is a directory with the programs of all parts.
	programs string
	// systemImages is an archive, made with the essential parts.
	systemImages string
}

// build builds or finds the named parts; without names the essential ones and
// the images made of them. Those in besides come on top.
func (s *settings) build(ctx context.Context, c *console.Console, names, besides []string) (built, error) {
	wanted, err := parts.Named(names)
	if err != nil {
		return built{}, err
	}
	if len(besides) > 0 {
		more, err := parts.Named(besides)
		if err != nil {
			return built{}, err
		}
		wanted = append(wanted, more...)
	}
	_, missing, err := parts.Builder{Cache: s.cache}.Find(wanted)
	if err != nil {
		return built{}, err
	}
	if len(missing) > 0 {
		check := preflight.BuildDisk(s.cache)
		if err := check.Run(); err != nil {
			return built{}, fmt.Errorf("%s: %w", check.Name, err)
		}
	}
	builder := parts.Builder{Cache: s.cache, Console: c}
	dirs, err := builder.Build(ctx, wanted)
	if err != nil {
		return built{}, err
	}
	var b built
	if b.programs, err = builder.Assemble(wanted, dirs); err != nil || len(names) > 0 {
		return b, err
	}
	b.systemImages, err = images.System(ctx, s.cache, dirs)
	return b, err
}

// missing lists the parts among the named ones (none: the essential ones) that
// are not built yet.
func (s *settings) missing(names []string) ([]string, error) {
	wanted, err := parts.Named(names)
	if err != nil {
		return nil, err
	}
	_, missing, err := parts.Builder{Cache: s.cache}.Find(wanted)
	return missing, err
}

// prepare builds or finds what the cluster runs and enters it in the spec.
func (s *settings) prepare(ctx context.Context, c *console.Console, want *spec.Spec) error {
	var besides []string
	if want.CSI {
		besides = []string{"csi"}
	}
	if err := s.buildAsInvoker(ctx, nil); err != nil {
		return err
	}
	if len(besides) > 0 {
		if err := s.buildAsInvoker(ctx, besides); err != nil {
			return err
		}
	}
	b, err := s.build(ctx, c, nil, besides)
	want.Programs, want.SystemImages = b.programs, b.systemImages
	return err
}

// buildAsInvoker runs the build as the person behind sudo, if there is one, so
// that the caches of a person never get files of root.
func (s *settings) buildAsInvoker(ctx context.Context, names []string) error {
	who, err := invoker.Current()
	if err != nil || who.UID == os.Geteuid() {
		return err
	}
	build := exec.CommandContext(ctx, "/proc/self/exe", append([]string{"build", "--cache=" + s.cache}, names...)...)
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	who.AsInvoker(build)
	if err := build.Run(); err != nil {
		return errors.New("the build failed: run localcluster build without sudo, then this command again")
	}
	return nil
}
