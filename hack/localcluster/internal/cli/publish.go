package cli

import (
	"github.com/spf13/cobra"

	"chatpdf.dev/operator/hack/localcluster/internal/cluster"
)

func publishCommand(s *settings) *cobra.Command {
	address := ""
	cmd := &cobra.Command{
		Use:   "publish NAMESPACE/SERVICE:PORT",
		Short: "Make a Service reachable under an address of this machine",
		Long: `Make a Service reachable under an address of this machine, until down.
Publishing the same again changes nothing; another Service under the same
address takes its place.`,
		Example: `  localcluster publish chatpdf/docs-frontend:http --address 127.0.0.1:8080`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.becomeRoot(); err != nil {
				return err
			}
			return cluster.New(s.name, s.state, stderr()).Publish(cmd.Context(), args[0], address)
		},
	}
	cmd.Flags().StringVar(&address, "address", "127.0.0.1:8080", "address and port to listen on")
	return cmd
}
