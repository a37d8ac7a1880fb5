// Command certmanager runs those controllers of cert-manager that have a CA or a self-signed Issuer issue a
// Certificate, as cert-manager's own program does. The project publishes that program as an image and its module
// without the package main, so that tests which need the real one build it from its packages, here.
//
// Its validating webhook is not run: what only that refuses is not found out.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/cert-manager/cert-manager/pkg/controller"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	requestsca "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	requestsselfsigned "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	"github.com/cert-manager/cert-manager/pkg/controller/clusterissuers"
	"github.com/cert-manager/cert-manager/pkg/controller/issuers"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
)

// started are the controllers, by the names under which their packages register them.
var started = []string{
	issuers.ControllerName, clusterissuers.ControllerName,
	approver.ControllerName, requestsca.CRControllerName, requestsselfsigned.CRControllerName,
	trigger.ControllerName, keymanager.ControllerName, requestmanager.ControllerName,
	issuing.ControllerName, readiness.ControllerName, revisionmanager.ControllerName,
}

func main() {
	var options controller.ContextOptions
	flag.StringVar(&options.Kubeconfig, "kubeconfig", "", "file that says how the API server is reached")
	flag.StringVar(&options.ClusterResourceNamespace, "cluster-resource-namespace", "cert-manager", "namespace of the Secrets of ClusterIssuers")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "Run the part of cert-manager that issues by Issuers of type CA and SelfSigned.\n\nUsage of %s:\n", os.Args[0])
		flag.PrintDefaults()
		fmt.Fprintln(flag.CommandLine.Output(), "\nExample:\n  certmanager -kubeconfig ~/.kube/config")
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, options); err != nil {
		fmt.Fprintln(os.Stderr, "certmanager:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, options controller.ContextOptions) error {
	options.KubernetesAPIQPS, options.KubernetesAPIBurst = 100, 100
	options.CertificateRequestMinimumBackoffDuration, options.CertificateRequestMaximumBackoffDuration = time.Hour, 32*time.Hour
	factory, err := controller.NewContextFactory(ctx, options)
	if err != nil {
		return err
	}
	shared, err := factory.Build()
	if err != nil {
		return err
	}
	var controllers []controller.Interface
	for _, name := range started {
		construct, known := controller.Known()[name]
		if !known {
			return fmt.Errorf("no controller %s is known", name)
		}
		c, err := construct(factory)
		if err != nil {
			return fmt.Errorf("making controller %s: %w", name, err)
		}
		controllers = append(controllers, c)
	}
	shared.SharedInformerFactory.Start(ctx.Done())
	shared.KubeSharedInformerFactory.Start(ctx.Done())
	var running sync.WaitGroup
	failed := make(chan error, len(controllers))
	for _, c := range controllers {
		running.Go(func() { failed <- c.Run(2, ctx) })
	}
	running.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			return err
		}
	}
	return nil
}
