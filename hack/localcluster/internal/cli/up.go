package cli

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/spf13/cobra"

	"chatpdf.dev/operator/hack/localcluster/internal/cluster"
	"chatpdf.dev/operator/hack/localcluster/internal/packages"
	"chatpdf.dev/operator/hack/localcluster/internal/preflight"
	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

// shape are the flags that give a cluster its shape.
type shape struct {
	nodes                        int
	csi                          bool
	subnet, podCIDR, serviceCIDR string
}

func (f *shape) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.IntVar(&f.nodes, "nodes", 1, "number of nodes")
	flags.BoolVar(&f.csi, "csi", false, "also run a CSI driver, whose volumes can grow: StorageClass growing")
	flags.StringVar(&f.subnet, "subnet", "10.200.0.0/24", "addresses of the host's link, the control plane and the nodes")
	flags.StringVar(&f.podCIDR, "pod-cidr", "10.244.0.0/16", "addresses of pods")
	flags.StringVar(&f.serviceCIDR, "service-cidr", "10.96.0.0/16", "addresses of Services")
}

func (f *shape) spec(s *settings, dir string) (spec.Spec, error) {
	out := spec.Spec{Name: s.name, Nodes: f.nodes, CSI: f.csi, Dir: dir, Cache: s.cache}
	for flag, to := range map[string]struct {
		text string
		out  *netip.Prefix
	}{
		"--subnet":       {f.subnet, &out.Subnet},
		"--pod-cidr":     {f.podCIDR, &out.PodCIDR},
		"--service-cidr": {f.serviceCIDR, &out.ServiceCIDR},
	} {
		prefix, err := netip.ParsePrefix(to.text)
		if err != nil {
			return out, fmt.Errorf("%s %q is no range of addresses such as 10.200.0.0/24", flag, to.text)
		}
		*to.out = prefix
	}
	return out, out.Validate()
}

func upCommand(s *settings) *cobra.Command {
	f := &shape{}
	wait := "dns"
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the cluster; build what it needs first",
		Long: `Start the cluster; build what it needs first. It returns when every node is
Ready and DNS answers; with --wait=all also when metrics-server has numbers,
which takes about half a minute more. A cluster that runs is left as it is.`,
		Example: `  localcluster up
  localcluster up --nodes 2 --wait all
  localcluster up --csi
  localcluster up --name other --subnet 10.201.0.0/24 --pod-cidr 10.245.0.0/16 --service-cidr 10.97.0.0/16`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if wait != "dns" && wait != "all" {
				return fmt.Errorf("--wait %q must be dns or all", wait)
			}
			c := cluster.New(s.name, s.state, stderr())
			want, err := f.spec(s, c.Dir())
			if err != nil {
				return err
			}
			// Of a cluster that was there before, its own addresses would be in the way.
			if _, err := os.Stat(c.Dir()); errors.Is(err, os.ErrNotExist) {
				if err := preflight.Run(preflight.Early(want, s.state)); err != nil {
					return err
				}
			}
			if err := s.prepare(cmd.Context(), c.Console, &want); err != nil {
				return err
			}
			if err := s.becomeRoot(); err != nil {
				return err
			}
			if err := packages.Install(cmd.Context(), c.Console, packages.Cluster()); err != nil {
				return err
			}
			err = c.Up(cmd.Context(), cluster.Request{
				Spec:         want,
				Preflight:    preflight.Checks(want, s.state),
				AwaitMetrics: wait == "all",
				Fits:         func(have spec.Spec) error { return fits(cmd, want, have) },
			})
			if err != nil {
				return err
			}
			c.Console.Say("  export KUBECONFIG=%s", want.AdminKubeconfig())
			return nil
		},
	}
	f.register(cmd)
	cmd.Flags().StringVar(&wait, "wait", wait, "what to wait for: dns, or all (metrics-server too)")
	return cmd
}

// fits compares a running cluster with the flags that were given; a flag that
// was not given asks for nothing.
func fits(cmd *cobra.Command, want, have spec.Spec) error {
	for _, one := range []struct {
		flag       string
		want, have any
	}{
		{"nodes", want.Nodes, have.Nodes},
		{"csi", want.CSI, have.CSI},
		{"subnet", want.Subnet, have.Subnet},
		{"pod-cidr", want.PodCIDR, have.PodCIDR},
		{"service-cidr", want.ServiceCIDR, have.ServiceCIDR},
	} {
		if cmd.Flags().Changed(one.flag) && one.want != one.have {
			return fmt.Errorf("the cluster %s is up with --%s %v, not %v: run localcluster down first, or choose another --name", have.Name, one.flag, one.have, one.want)
		}
	}
	return nil
}
