package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"chatpdf.dev/operator/hack/localcluster/internal/cluster"
)

func statusCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Show what runs: programs, nodes, published Services",
		Example: "  localcluster status",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cluster.New(s.name, s.state, stderr()).Status(cmd.Context(), cmd.OutOrStdout())
		},
	}
}

func kubeconfigCommand(s *settings) *cobra.Command {
	path := false
	cmd := &cobra.Command{
		Use:   "kubeconfig",
		Short: "Print the kubeconfig of the cluster",
		Example: `  export KUBECONFIG=$(localcluster kubeconfig --path)
  localcluster kubeconfig > cluster.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			running, err := cluster.New(s.name, s.state, stderr()).Spec()
			if err != nil {
				return err
			}
			if path {
				fmt.Fprintln(cmd.OutOrStdout(), running.AdminKubeconfig())
				return nil
			}
			content, err := os.ReadFile(running.AdminKubeconfig())
			if err != nil {
				return fmt.Errorf("reading the kubeconfig: %w", err)
			}
			_, err = cmd.OutOrStdout().Write(content)
			return err
		},
	}
	cmd.Flags().BoolVar(&path, "path", false, "print the path of the file instead")
	return cmd
}

func logsCommand(s *settings) *cobra.Command {
	follow := false
	cmd := &cobra.Command{
		Use:   "logs PART",
		Short: "Print the log of one program of the cluster",
		Long: `Print the log of one program of the cluster: etcd, kube-apiserver,
kube-controller-manager, kube-scheduler, provisioner, box; of a node
node1/kubelet, node1/containerd, node1/kube-proxy. With a single node its name
may be left out.`,
		Example: `  localcluster logs kube-apiserver
  localcluster logs node2/kubelet -f`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := cluster.New(s.name, s.state, stderr()).LogFile(args[0])
			if err != nil {
				return err
			}
			file, err := os.Open(path)
			if err != nil {
				return fmt.Errorf("opening the log: %w", err)
			}
			defer file.Close()
			return tail(cmd.Context(), cmd.OutOrStdout(), file, follow)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on as the log grows, until interrupted")
	return cmd
}

// tail copies the file, and then what is added to it until ctx is done. A log
// that has been emptied because it grew too long is read from its beginning.
func tail(ctx context.Context, out io.Writer, file *os.File, follow bool) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for read := int64(0); ; {
		if info, err := file.Stat(); err == nil && info.Size() < read {
			if read, err = file.Seek(0, io.SeekStart); err != nil {
				return fmt.Errorf("reading the log again: %w", err)
			}
		}
		n, err := io.Copy(out, file)
		if err != nil || !follow {
			return err
		}
		read += n
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
