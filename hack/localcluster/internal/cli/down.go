package cli

import (
	"github.com/spf13/cobra"

	"chatpdf.dev/operator/hack/localcluster/internal/cluster"
)

func downCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "End the cluster and remove everything of it",
		Long: `End the cluster and remove everything of it: processes, network, cgroups,
volumes, state. What was built stays in the cache. It is fine if there is no
cluster, or one whose start was cut short.`,
		Example: `  localcluster down
  localcluster down --name other`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.becomeRoot(); err != nil {
				return err
			}
			return cluster.New(s.name, s.state, stderr()).Down(cmd.Context())
		},
	}
}
