package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"chatpdf.dev/operator/hack/localcluster/internal/cluster"
)

func relayCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "relay HOST:PORT",
		Short: "Let pods reach one server outside of the cluster",
		Long: `Let pods reach one server outside of the cluster, until down, and print what
they reach it by: HOST:PORT itself where HOST is a name, else (an address, or
localhost) an address of this machine that stands for it. The name is looked
up on this machine, for every connection. Nothing else becomes reachable.`,
		Example: `  localcluster relay api.openai.com:443
  localcluster relay 127.0.0.1:8000     # a server on this machine`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.becomeRoot(); err != nil {
				return err
			}
			reached, err := cluster.New(s.name, s.state, stderr()).Relay(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), reached)
			return nil
		},
	}
}
