package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"chatpdf.dev/operator/hack/localcluster/internal/cluster"
	"chatpdf.dev/operator/hack/localcluster/internal/preflight"
)

func doctorCommand(s *settings) *cobra.Command {
	f := &shape{}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check whether a cluster can run on this machine",
		Long: `Check whether a cluster can run on this machine: disk, memory, addresses,
kernel, packages. Every check that fails says what to do. up checks the same.`,
		Example: `  localcluster doctor
  localcluster doctor --nodes 3 --pod-cidr 10.245.0.0/16`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			want, err := f.spec(s, cluster.New(s.name, s.state, stderr()).Dir())
			if err != nil {
				return err
			}
			if err := s.becomeRoot(); err != nil {
				return err
			}
			checks := preflight.Checks(want, s.state)
			missing, err := s.missing(nil)
			if err != nil {
				return err
			}
			if len(missing) > 0 {
				checks = append(checks, preflight.BuildDisk(s.cache))
			}
			failed := 0
			for _, check := range checks {
				verdict := "ok"
				if err := check.Run(); err != nil {
					verdict = err.Error()
					failed++
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%-30s %s\n", check.Name, verdict)
			}
			if failed > 0 {
				return errors.New("a cluster cannot run here yet")
			}
			return nil
		},
	}
	f.register(cmd)
	return cmd
}
