package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"chatpdf.dev/operator/internal/stack"
	"chatpdf.dev/operator/internal/version"
)

// options are the flags.
type options struct {
	metricsAddress string
	probeAddress   string
	leaderElect    bool
	leaderElectNS  string
	namespaces     []string
	workers        int
	logLevel       slog.Level
	logFormat      string
	version        bool
	config         stack.Config
}

const usage = `The ChatPDF operator makes what runs what each ChatPDFDeployment asks for.

Usage:
  manager [flags]

Example, beside the cluster of the current kubeconfig:
  manager --metrics-bind-address=0 --log-format=text --app-image=registry.example.com/chatpdf:1.4.0

Flags:
`

// parse reads the flags; environment variables stand in for absent image flags. Help goes to output.
func parse(arguments []string, getenv func(string) string, output io.Writer) (options, error) {
	var o options
	var namespaces string
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.Usage = func() {
		fmt.Fprint(output, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", ":8443", "`address` of the metrics, over HTTPS and for those who may; 0 turns them off")
	flags.StringVar(&o.probeAddress, "health-probe-bind-address", ":8081", "`address` of /healthz and /readyz")
	flags.BoolVar(&o.leaderElect, "leader-elect", false, "let only one of several operators work")
	flags.StringVar(&o.leaderElectNS, "leader-elect-namespace", "", "`namespace` of the Lease; empty: the operator's own, in the cluster")
	flags.StringVar(&o.config.ClusterDomain, "cluster-domain", "cluster.local", "DNS `domain` of the cluster")
	flags.StringVar(&namespaces, "watch-namespaces", "", "comma-separated `namespaces` to work in; empty: all")
	flags.IntVar(&o.workers, "max-concurrent-reconciles", 4, "how `many` ChatPDFDeployments to work on at the same time")
	flags.TextVar(&o.logLevel, "log-level", slog.LevelInfo, "least severe `level` to log: debug, info, warn or error")
	flags.StringVar(&o.logFormat, "log-format", "json", "`format` of the log: json or text")
	flags.BoolVar(&o.version, "version", false, "print the version and exit")
	image := func(target *string, name, variable, fallback string) {
		flags.StringVar(target, name, cmp.Or(getenv(variable), fallback), "default `image`, also as "+variable)
	}
	image(&o.config.AppImage, "app-image", "APP_IMAGE", "registry.chatpdf.dev/chatpdf:"+version.Version)
	image(&o.config.MongoDBImage, "mongodb-image", "MONGODB_IMAGE", "docker.io/library/mongo:6.0.5")
	image(&o.config.AgentImage, "dbagent-image", "DBAGENT_IMAGE", "registry.chatpdf.dev/chatpdf-dbagent:"+version.Version)
	if err := flags.Parse(arguments); err != nil {
		return options{}, err
	}
	for namespace := range strings.SplitSeq(namespaces, ",") {
		if namespace = strings.TrimSpace(namespace); namespace != "" {
			o.namespaces = append(o.namespaces, namespace)
		}
	}
	return o, o.check(flags.Args())
}

func (o options) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q: everything is a flag, see --help", rest[0])
	case o.workers < 1:
		return fmt.Errorf("--max-concurrent-reconciles is %d: it must be 1 or more", o.workers)
	case o.logFormat != "json" && o.logFormat != "text":
		return fmt.Errorf("--log-format is %q: it must be json or text", o.logFormat)
	}
	return nil
}

func (o options) logHandler(w io.Writer) slog.Handler {
	handlerOptions := &slog.HandlerOptions{Level: o.logLevel}
	if o.logFormat == "text" {
		return slog.NewTextHandler(w, handlerOptions)
	}
	return slog.NewJSONHandler(w, handlerOptions)
}
