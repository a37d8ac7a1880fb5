package cli

import (
	"github.com/spf13/cobra"

	"chatpdf.dev/operator/hack/localcluster/internal/cluster"
)

func loadCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "load IMAGE.tar...",
		Short: "Import image archives into every node",
		Long: `Import image archives into every node, as docker save, podman save and
buildah push docker-archive: write them. A node that has the very same images
is left alone. Give images a tag other than latest, and pods an
imagePullPolicy of IfNotPresent or Never: there is no registry to pull from.`,
		Example: `  localcluster load operator.tar app.tar`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			if err := s.becomeRoot(); err != nil {
				return err
			}
			return cluster.New(s.name, s.state, stderr()).Load(cmd.Context(), files)
		},
	}
}
