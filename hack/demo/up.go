package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"chatpdf.dev/operator/hack/rig"
)

const (
	clusterName    = "chatpdf"
	demoNamespace  = "chatpdf-demo"
	deploymentName = "minimal"
)

// bringUp does the whole demo. Every step may be repeated: a second demo finds what the first made.
func bringUp(ctx context.Context, o options, steps *progress) error {
	cluster, err := prepare(ctx, o, steps)
	if err != nil {
		return err
	}
	steps.step("operator: installing the chart")
	if err := cluster.InstallOperator(ctx); err != nil {
		return err
	}
	if o.model, err = o.model.reachable(ctx, cluster); err != nil {
		return err
	}
	steps.step("ChatPDFDeployment %s/%s: applying config/samples/minimal.yaml", demoNamespace, deploymentName)
	api, err := newAPI(cluster.Kubeconfig)
	if err != nil {
		return err
	}
	if err := api.applySample(ctx, o, cluster.Images.App); err != nil {
		return err
	}
	if err := api.waitReady(ctx, steps); err != nil {
		return err
	}
	steps.step("front door: publishing on 127.0.0.1:%d", o.port)
	if err := publish(ctx, o, cluster); err != nil {
		return err
	}
	password, err := api.adminPassword(ctx)
	if err != nil {
		return err
	}
	url := fmt.Sprintf("http://127.0.0.1:%d", o.port)
	steps.step("self-check through %s", url)
	if err := selfCheck(ctx, o, steps, url, password); err != nil {
		return fmt.Errorf("the self-check through the front door: %w", err)
	}
	farewell(o, cluster, url)
	fmt.Printf("demo ready in %.0f s: %s\n", time.Since(steps.started).Seconds(), url)
	return nil
}

func prepare(ctx context.Context, o options, steps *progress) (rig.Cluster, error) {
	checkout := rig.Checkout{Root: o.root, Out: os.Stdout}
	if o.cluster == "current" {
		return checkout.Current(ctx, steps.step)
	}
	return checkout.Up(ctx, rig.Local{Name: clusterName}, steps.step)
}

// publish makes the front door reachable on the loopback address until the demo is taken down.
func publish(ctx context.Context, o options, cluster rig.Cluster) error {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(o.port))
	if o.cluster == "local" {
		return cluster.Publish(ctx, fmt.Sprintf("%s/%s-frontend:80", demoNamespace, deploymentName), address)
	}
	return startForward(ctx, cluster.Kubectl, "service/"+deploymentName+"-frontend", address)
}

func farewell(o options, cluster rig.Cluster, url string) {
	kubectl := cluster.Kubectl
	if cluster.Kubeconfig != "" {
		kubectl += " --kubeconfig " + cluster.Kubeconfig
	}
	host, err := os.Hostname()
	if err != nil {
		host = "this-machine"
	}
	fmt.Printf(`
page       %s
           from another machine: ssh -L %d:127.0.0.1:%d %s
user       admin
password   %s -n %s get secret %s-admin -o jsonpath='{.data.password}' | base64 -d
resource   %s -n %s get cpdf
remove     make demo-down

`, url, o.port, o.port, host, kubectl, demoNamespace, deploymentName, kubectl, demoNamespace)
}
