// Package cli is the command line: one file per command. A command reads its
// flags, gets root's rights if it needs them and calls the package that does
// the work.
package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"chatpdf.dev/operator/hack/localcluster/internal/console"
	"chatpdf.dev/operator/hack/localcluster/internal/invoker"
)

// settings are the flags that every command has.
type settings struct {
	name  string
	cache string
	state string
}

// Root returns the command line.
func Root() *cobra.Command {
	s := &settings{}
	root := &cobra.Command{
		Use:   "localcluster",
		Short: "A real, disposable Kubernetes on this machine",
		Long: `A real, disposable Kubernetes on this machine: etcd, API server, controller
manager, scheduler, CoreDNS, metrics-server and any number of nodes, each with
containerd, kubelet and kube-proxy. It needs neither Docker nor an image
registry, touches nothing of the host outside its own namespaces but one
network link, and leaves nothing behind.`,
		Example: `  localcluster up --nodes 2
  localcluster load chatpdf.tar
  export KUBECONFIG=$(localcluster kubeconfig --path)
  localcluster down`,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			return s.resolve()
		},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&s.name, "name", "chatpdf", "name of the cluster; several can run side by side with subnets of their own")
	flags.StringVar(&s.cache, "cache", "", "directory of built programs and images (default $CHATPDF_CACHE, else $XDG_CACHE_HOME/chatpdf-operator, else ~/.cache/chatpdf-operator)")
	flags.StringVar(&s.state, "state", "", "directory of the clusters' state (default $XDG_STATE_HOME/chatpdf-operator, else ~/.local/state/chatpdf-operator)")
	root.AddCommand(
		buildCommand(s),
		upCommand(s),
		downCommand(s),
		statusCommand(s),
		loadCommand(s),
		publishCommand(s),
		relayCommand(s),
		registryCommand(s),
		kubeconfigCommand(s),
		logsCommand(s),
		doctorCommand(s),
		mongodCommand(s),
		mongodImageCommand(s),
		internalCommand(),
	)
	return root
}

// resolve fills in the directories that were not given.
func (s *settings) resolve() error {
	who, err := invoker.Current()
	if err != nil {
		return err
	}
	if s.cache == "" {
		s.cache = os.Getenv("CHATPDF_CACHE")
	}
	if s.cache == "" {
		s.cache = who.Directory("XDG_CACHE_HOME", ".cache")
	}
	if s.state == "" {
		s.state = who.Directory("XDG_STATE_HOME", ".local/state")
	}
	for _, dir := range []*string{&s.cache, &s.state} {
		if *dir, err = filepath.Abs(*dir); err != nil {
			return fmt.Errorf("making %s absolute: %w", *dir, err)
		}
	}
	return nil
}

// becomeRoot runs this very command again as root, if it does not run as root
// yet. The directories are handed on, because root's defaults are others.
func (s *settings) becomeRoot() error {
	return invoker.BecomeRoot(append(slices.Clone(os.Args[1:]), "--cache="+s.cache, "--state="+s.state))
}

func stderr() *console.Console { return console.New(os.Stderr) }
