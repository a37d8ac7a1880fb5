package cli

import (
	"github.com/spf13/cobra"

	"chatpdf.dev/operator/hack/localcluster/internal/cluster"
)

func registryCommand(s *settings) *cobra.Command {
	address := ""
	cmd := &cobra.Command{
		Use:   "registry",
		Short: "Run an image registry on this machine that the nodes pull from",
		Long: `Run an image registry on this machine, until down. What was pushed to its
address, the nodes pull under the same name: for trying out what is meant for
clusters with a registry. load is the shorter way.`,
		Example: `  localcluster registry --address 127.0.0.1:5000
  docker push 127.0.0.1:5000/team/app:1.0.0`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.becomeRoot(); err != nil {
				return err
			}
			return cluster.New(s.name, s.state, stderr()).Registry(cmd.Context(), address)
		},
	}
	cmd.Flags().StringVar(&address, "address", "127.0.0.1:5000", "loopback address and port to listen on")
	return cmd
}
