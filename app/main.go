// Command chatpdf is the application: upload PDFs, ask about them, and see the sentence that proves
// each answer. One binary has all roles:
//
//	chatpdf backend    the API and the workers that take documents in
//	chatpdf frontend   the page, and a proxy to the backend
//	chatpdf extract    reads one PDF; the backend starts it as a child process
//
// Backends share nothing but the database, so there can be any number of them.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"chatpdf.dev/operator/app/config"
	"chatpdf.dev/operator/app/pdf"
	"chatpdf.dev/operator/internal/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		for problem := range strings.SplitSeq(err.Error(), "\n") {
			fmt.Fprintln(os.Stderr, "chatpdf:", problem)
		}
		os.Exit(1)
	}
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use: "chatpdf", Short: "Ask questions about PDFs and see the sentence that proves the answer",
		SilenceUsage: true, SilenceErrors: true,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(
		&cobra.Command{
			Use: "backend", Short: "Serve the API and take documents in", Args: cobra.NoArgs,
			Example: "  MONGODB_URI='mongodb://localhost:27017/?replicaSet=rs0' INITIAL_ADMIN_PASSWORD_FILE=password chatpdf backend",
			Long:    "Serve the API and take documents in.\n\n" + environment(config.RoleBackend),
			RunE:    func(cmd *cobra.Command, _ []string) error { return backend(cmd.Context()) },
		},
		&cobra.Command{
			Use: "frontend", Short: "Serve the page and pass requests on to the backend", Args: cobra.NoArgs,
			Example: "  BACKEND_URL=http://localhost:8080 LISTEN_ADDRESS=:8081 METRICS_ADDRESS=:9091 chatpdf frontend",
			Long:    "Serve the page and pass requests on to the backend.\n\n" + environment(config.RoleFrontend),
			RunE:    func(cmd *cobra.Command, _ []string) error { return frontend(cmd.Context()) },
		},
		extract(),
		&cobra.Command{
			Use: "version", Short: "Say which version this is", Args: cobra.NoArgs, Example: "  chatpdf version",
			Run: func(cmd *cobra.Command, _ []string) {
				fmt.Fprintln(cmd.OutOrStdout(), strings.TrimSpace(version.Version+" "+version.Commit))
			},
		},
	)
	return root
}

// extract hands its arguments over as they are: the parent process composes them.
func extract() *cobra.Command {
	return &cobra.Command{
		Use: "extract", Short: "Read the PDF on standard input and write its pages as lines of JSON",
		Example: "  chatpdf extract < paper.pdf", DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, arg := range args {
				if arg == "-h" || arg == "--help" {
					return cmd.Help()
				}
			}
			os.Exit(pdf.ExtractMain(cmd.Context(), args, os.Stdin, os.Stdout, os.Stderr))
			return nil
		},
	}
}

// environment lists the variables that a role reads.
func environment(role config.Role) string {
	var list strings.Builder
	list.WriteString("Environment (with defaults; each also as NAME_FILE, the path of a file with the value):\n")
	config.WriteHelp(&list, role) //nolint:errcheck // memory takes it
	return list.String()
}

// newLog logs to standard error as the configuration asks.
func newLog(l config.Logging) *slog.Logger {
	options := &slog.HandlerOptions{Level: l.Minimum()}
	if l.Format == "text" {
		return slog.New(slog.NewTextHandler(os.Stderr, options))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, options))
}

// newRegistry holds the metrics of the process and of Go; roles add theirs.
func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "chatpdf_build_info", Help: "1, with what was built as labels.",
		ConstLabels: prometheus.Labels{"version": version.Version, "commit": version.Commit}})
	info.Set(1)
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), info)
	return registry
}
