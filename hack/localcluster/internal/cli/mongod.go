package cli

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"chatpdf.dev/operator/hack/localcluster/internal/console"
	"chatpdf.dev/operator/hack/localcluster/internal/mongod"
)

func mongodCommand(s *settings) *cobra.Command {
	number := ""
	cmd := &cobra.Command{
		Use:   "mongod",
		Short: "Print a directory with a real mongod that runs on this machine",
		Long: `Print a directory with a real mongod that runs on this machine: DIR/bin/mongod.
It is downloaded once. Versions other than the default also need OpenSSL 1.1,
which is built once, in about a minute.`,
		Example: `  $(localcluster mongod)/bin/mongod --version
  localcluster mongod --version 5.0.4`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := mongod.Find(number)
			if err != nil {
				return err
			}
			dir, err := mongod.Store{Cache: s.cache, Console: stderr()}.Directory(cmd.Context(), v)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), dir)
			return nil
		},
	}
	cmd.Flags().StringVar(&number, "version", mongod.Versions()[0].Number, "version of mongod: 6.0.5, 5.0.4 or 6.0.27")
	return cmd
}

func mongodImageCommand(s *settings) *cobra.Command {
	number, output := "", ""
	cmd := &cobra.Command{
		Use:   "mongod-image",
		Short: "Write an image archive of a real mongod",
		Long: `Write an image archive of a real mongod, docker.io/library/mongo:VERSION, with
the libraries that it loads and without a shell. Its user is 999.`,
		Example: `  localcluster mongod-image --output mongod.tar
  localcluster load mongod.tar`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := mongod.Find(number)
			if err != nil {
				return err
			}
			c := stderr()
			dir, err := mongod.Store{Cache: s.cache, Console: c}.Directory(cmd.Context(), v)
			if err != nil {
				return err
			}
			if output, err = filepath.Abs(output); err != nil {
				return fmt.Errorf("making %s absolute: %w", output, err)
			}
			return c.Step("image "+v.Reference(), func(*console.Step) error {
				return mongod.WriteImage(cmd.Context(), v, dir, output)
			})
		},
	}
	cmd.Flags().StringVar(&number, "version", mongod.Versions()[0].Number, "version of mongod: 6.0.5, 5.0.4 or 6.0.27")
	cmd.Flags().StringVar(&output, "output", "mongod.tar", "file to write")
	return cmd
}
