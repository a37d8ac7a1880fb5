package cluster

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"chatpdf.dev/operator/hack/localcluster/internal/spec"
	"chatpdf.dev/operator/hack/localcluster/internal/supervise"
)

// Status writes what runs: nodes, programs, published Services, relays. It fails if
// the cluster does not run, or does not answer.
func (c Cluster) Status(ctx context.Context, out io.Writer) error {
	s, r, err := c.running()
	if err != nil {
		return err
	}
	state := "up"
	if !r.Complete {
		state = "starting, or its start was cut short"
	}
	fmt.Fprintf(out, "cluster %s: %s\nAPI server %s\nkubeconfig %s\n", s.Name, state, s.APIServer(), s.AdminKubeconfig())
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "\nPROGRAM\tSTATE\tSINCE\tRESTARTS\tLAST EXIT")
	if err := programs(table, s); err != nil {
		return err
	}
	if len(r.Published) > 0 {
		fmt.Fprintln(table, "\nPUBLISHED\tON\tSTATE")
	}
	for _, p := range r.Published {
		fmt.Fprintf(table, "%s\t%s\t%s\n", p.Target, p.Address, running(p.Process.Running()))
	}
	if len(r.Relays) > 0 {
		fmt.Fprintln(table, "\nRELAY TO\tPODS REACH IT BY\tSTATE")
	}
	for _, relay := range r.Relays {
		fmt.Fprintf(table, "%s\t%s\t%s\n", relay.Server, relay.reached(), running(relay.Process.Running()))
	}
	if r.Registry != nil {
		fmt.Fprintf(table, "\nREGISTRY\tSTATE\n%s\t%s\n", r.Registry.Address, running(r.Registry.Process.Running()))
	}
	err = nodes(ctx, table, s)
	table.Flush()
	return err
}

func programs(table io.Writer, s spec.Spec) error {
	supervisors := []string{"control-plane"}
	for i := 1; i <= s.Nodes; i++ {
		supervisors = append(supervisors, spec.NodeName(i))
	}
	for _, supervisor := range supervisors {
		states, err := supervise.Read(filepath.Join(s.Status(), supervisor+".json"))
		if err != nil {
			return err
		}
		for _, state := range states {
			name := state.Name
			if supervisor != "control-plane" {
				name = supervisor + "/" + name
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\n", name, running(state.Running), age(state.Started), state.Restarts, state.LastExit)
		}
	}
	return nil
}

func nodes(ctx context.Context, table io.Writer, s spec.Spec) error {
	w, err := newWaiter(s)
	if err != nil {
		return err
	}
	list, err := w.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("the API server does not answer (localcluster logs kube-apiserver): %w", err)
	}
	fmt.Fprintln(table, "\nNODE\tSTATE\tADDRESS\tZONE\tVERSION")
	for _, node := range list.Items {
		state := "NotReady"
		if nodeReady(node) {
			state = "Ready"
		}
		if node.Spec.Unschedulable {
			state += ", cordoned"
		}
		address := ""
		for _, a := range node.Status.Addresses {
			if a.Type == v1.NodeInternalIP {
				address = a.Address
			}
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", node.Name, state, address, node.Labels[v1.LabelTopologyZone], node.Status.NodeInfo.KubeletVersion)
	}
	return nil
}

func running(is bool) string {
	if is {
		return "running"
	}
	return "ended"
}

func age(since time.Time) string {
	if since.IsZero() {
		return ""
	}
	return time.Since(since).Round(time.Second).String()
}
