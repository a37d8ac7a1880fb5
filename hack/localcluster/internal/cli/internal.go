package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"chatpdf.dev/operator/hack/localcluster/internal/box"
	"chatpdf.dev/operator/hack/localcluster/internal/csi"
	"chatpdf.dev/operator/hack/localcluster/internal/forward"
	"chatpdf.dev/operator/hack/localcluster/internal/node"
	"chatpdf.dev/operator/hack/localcluster/internal/preflight"
	"chatpdf.dev/operator/hack/localcluster/internal/provisioner"
	"chatpdf.dev/operator/hack/localcluster/internal/registry"
	"chatpdf.dev/operator/hack/localcluster/internal/spec"
	"chatpdf.dev/operator/hack/localcluster/internal/supervise"
)

// internalCommand holds what the cluster itself runs: this program is also the
// first process of every namespace.
func internalCommand() *cobra.Command {
	parent := &cobra.Command{Use: "internal", Short: "What the cluster itself runs", Hidden: true,
		// These take their settings from the cluster's own files.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil }}
	logger := func() *slog.Logger { return slog.New(slog.NewTextHandler(os.Stderr, nil)) }
	parent.AddCommand(
		inCluster("box DIR", "The first process of the control plane", 1, func(ctx context.Context, s spec.Spec, _ []string) error {
			return box.Run(ctx, s, logger())
		}),
		inCluster("node DIR NUMBER", "The first process of a node", 2, func(ctx context.Context, s spec.Spec, args []string) error {
			i, err := nodeNumber(s, args[0])
			if err != nil {
				return err
			}
			return node.Run(ctx, s, i, logger())
		}),
		inCluster("provisioner DIR", "The provisioner of volumes", 1, func(ctx context.Context, s spec.Spec, _ []string) error {
			return provisioner.Run(ctx, s)
		}),
		inCluster("csi-controller DIR SOCKET", "The controller of the CSI driver", 2, func(ctx context.Context, s spec.Spec, args []string) error {
			return csi.Controller(ctx, s, args[0])
		}),
		inCluster("csi-node DIR NUMBER KUBELET", "The CSI driver on a node", 3, func(ctx context.Context, s spec.Spec, args []string) error {
			i, err := nodeNumber(s, args[0])
			if err != nil {
				return err
			}
			return csi.Node(ctx, s, i, args[1])
		}),
		inCluster("forward DIR TARGET", "The forwarder of a published Service", 2, func(ctx context.Context, s spec.Spec, args []string) error {
			return runForward(ctx, s, args[0], logger())
		}),
		inCluster("relay DIR SERVER", "The forwarder to a server outside", 2, func(ctx context.Context, _ spec.Spec, args []string) error {
			return runRelay(ctx, args[0], logger())
		}),
		inCluster("registry DIR", "The image registry", 1, func(ctx context.Context, s spec.Spec, _ []string) error {
			return runRegistry(ctx, s, logger())
		}),
		&cobra.Command{Use: "trial DIR", Short: "Try out what a cluster needs of the kernel", Args: cobra.ExactArgs(1),
			RunE: func(_ *cobra.Command, args []string) error { return preflight.Trial(args[0]) }},
	)
	return parent
}

func nodeNumber(s spec.Spec, text string) (int, error) {
	i, err := strconv.Atoi(text)
	if err != nil || i < 1 || i > s.Nodes {
		return 0, fmt.Errorf("there is no node %q", text)
	}
	return i, nil
}

// inCluster is a command that gets the cluster's directory and maybe more.
func inCluster(use, short string, args int, run func(context.Context, spec.Spec, []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(args),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := spec.Load(args[0])
			if err != nil {
				return err
			}
			return run(cmd.Context(), s, args[1:])
		},
	}
}

// runForward passes on to a Service.
func runForward(ctx context.Context, s spec.Spec, target string, log *slog.Logger) error {
	listener, err := handedOver()
	if err != nil {
		return err
	}
	wanted, err := forward.ParseTarget(target)
	if err != nil {
		return err
	}
	resolver, err := forward.NewResolver(s.AdminKubeconfig(), wanted)
	if err != nil {
		return err
	}
	return forward.Run(ctx, listener, resolver.Address, log)
}

// runRelay passes on to a server outside of the cluster.
func runRelay(ctx context.Context, target string, log *slog.Logger) error {
	listener, err := handedOver()
	if err != nil {
		return err
	}
	server, err := forward.ParseOutside(target)
	if err != nil {
		return err
	}
	return forward.Run(ctx, listener, server.Address, log)
}

func runRegistry(ctx context.Context, s spec.Spec, log *slog.Logger) error {
	listener, err := handedOver()
	if err != nil {
		return err
	}
	return registry.Serve(ctx, listener, filepath.Join(s.Dir, "registry"), log)
}

// handedOver is the listener that the command opened which started this
// process, once that has opened the gate.
func handedOver() (net.Listener, error) {
	if err := supervise.Gate(); err != nil {
		return nil, err
	}
	const descriptor = 4
	listener, err := net.FileListener(os.NewFile(descriptor, "listener"))
	if err != nil {
		return nil, fmt.Errorf("taking over the listener: %w", err)
	}
	return listener, nil
}
