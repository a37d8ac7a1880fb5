// Command manager is the ChatPDF operator: it makes what runs what each ChatPDFDeployment asks for.
//
// It runs in the cluster, or beside it with `go run .` and the current kubeconfig.
package main

import (
	// Schedules of backups are in time zones that the image has no files of.
	_ "time/tzdata"

	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"chatpdf.dev/operator/controllers"
	"chatpdf.dev/operator/internal/apply"
	"chatpdf.dev/operator/internal/mongodb/replset"
	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/status"
	"chatpdf.dev/operator/internal/version"
)

func main() {
	if err := run(ctrl.SetupSignalHandler(), os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "manager:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	o, err := parse(arguments, os.Getenv, os.Stderr)
	if err != nil {
		return err
	}
	if o.version {
		fmt.Println(version.Version, version.Commit)
		return nil
	}
	handler := o.logHandler(os.Stderr)
	ctrl.SetLogger(logr.FromSlogHandler(handler))
	klog.SetLogger(logr.FromSlogHandler(handler))

	m, err := newManager(o)
	if err != nil {
		return err
	}
	watcher := replset.New(slog.New(handler))
	if err := m.Add(watcher); err != nil {
		return fmt.Errorf("adding the watcher of replica sets: %w", err)
	}
	conditions := status.NewMetrics()
	metrics.Registry.MustRegister(conditions)
	reconciler := &controllers.ChatPDFDeploymentReconciler{
		Client:   m.GetClient(),
		Observer: observe.Observer{Cache: m.GetClient(), Live: m.GetAPIReader(), Snapshot: watcher.Snapshot},
		Apply:    &apply.Writer{Client: m.GetClient(), Live: m.GetAPIReader(), Clock: clock.RealClock{}},
		Status:   &status.Writer{Client: m.GetClient(), Recorder: m.GetEventRecorder("chatpdf-operator"), Metrics: conditions},
		Watcher:  watcher,
		Dial:     controllers.PodDialer(m.GetClient()),
		Config:   o.config,
		Clock:    clock.RealClock{},
	}
	if err := reconciler.SetupWithManager(m, o.workers); err != nil {
		return err
	}
	ctrl.Log.Info("starting", "version", version.Version, "commit", version.Commit)
	return m.Start(ctx)
}
