// Command dbagent runs beside mongod: it writes the keyfile and the certificates that mongod
// needs, says how the member is, and initiates the replica set when the operator asks.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/caarlos0/env/v11"
	"github.com/spf13/cobra"

	"chatpdf.dev/operator/internal/dbagent"
	"chatpdf.dev/operator/internal/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := root().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "dbagent:", err)
		stop()
		os.Exit(code(err))
	}
}

// Codes of a command that cannot be run, as shells give them
// (https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_08_02).
const (
	notExecutable = 126
	notFound      = 127
)

// commandError is a command that cannot be run.
type commandError struct {
	code int
	err  error
}

func (e *commandError) Error() string { return e.err.Error() }

func (e *commandError) Unwrap() error { return e.err }

func code(err error) int {
	if command, is := errors.AsType[*commandError](err); is {
		return command.code
	}
	return 1
}

func root() *cobra.Command {
	command := &cobra.Command{
		Use:           "dbagent",
		Short:         "Runs beside mongod in each member of a ChatPDF database",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	command.CompletionOptions.DisableDefaultCmd = true
	command.AddCommand(serve(), execute(), hello(), makeBackup(), listBackups(), restoreBackup(), printVersion())
	return command
}

// environment is set by the operator in the pod.
type environment struct {
	PodUID     string `env:"POD_UID,required,notEmpty"`
	MemberHost string `env:"MEMBER_HOST,required,notEmpty"`
	ReplicaSet string `env:"REPLICA_SET,required,notEmpty"`
}

func serve() *cobra.Command {
	var (
		listen string
		o      dbagent.Options
	)
	command := &cobra.Command{
		Use:   "serve",
		Short: "Write the files that mongod needs, then answer over HTTPS",
		Long: `Write the files that mongod needs, then answer over HTTPS.

The environment says which member this is: POD_UID, MEMBER_HOST (host:port) and REPLICA_SET.`,
		Example: "  POD_UID=... MEMBER_HOST=docs-mongodb-0.docs-mongodb.ns.svc.cluster.local:27017 REPLICA_SET=docs dbagent serve",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			self, err := env.ParseAs[environment]()
			if err != nil {
				return fmt.Errorf("the environment of the pod is not complete: %w", err)
			}
			o.Self = dbagent.Self(self)
			if o.Listener, err = (&net.ListenConfig{}).Listen(command.Context(), "tcp", listen); err != nil {
				return fmt.Errorf("listening on %s: %w", listen, err)
			}
			return dbagent.Serve(command.Context(), slog.New(slog.NewJSONHandler(os.Stdout, nil)), o)
		},
	}
	flags := command.Flags()
	flags.StringVar(&listen, "listen", ":8443", "address of the HTTPS endpoints")
	flags.StringVar(&o.MongoDAddress, "mongod", "127.0.0.1:27017", "address of the mongod of this pod")
	flags.StringVar(&o.Directories.Keyfile, "keyfile-dir", "/etc/dbagent/keyfile", "mounted Secret with keyfile")
	flags.StringVar(&o.Directories.TLS, "tls-dir", "/etc/dbagent/tls", "mounted Secret with ca.crt, tls.crt and tls.key")
	flags.StringVar(&o.Directories.Admin, "admin-dir", "/etc/dbagent/admin", "mounted Secret with username and password")
	flags.StringVar(&o.Directories.Token, "token-dir", "/etc/dbagent/token", "mounted Secret with token")
	flags.StringVar(&o.Directories.Metrics, "metrics-dir", "/etc/dbagent/metrics", "mounted Secret with username and password of the user that reads metrics; may be missing")
	flags.StringVar(&o.Directories.Fence, "fence-dir", "/etc/dbagent/fence", "mounted record of the members whose mongod may not run; may be missing")
	flags.StringVar(&o.Directories.Run, "run-dir", "/run/mongod", "where mongod reads keyfile, server.pem and ca.crt")
	flags.StringVar(&o.Directories.Binary, "binary-dir", "/opt/dbagent", "where mongod's probes find a copy of this program")
	return command
}

func execute() *cobra.Command {
	var run string
	command := &cobra.Command{
		Use:     "exec -- COMMAND [ARGUMENT...]",
		Short:   "Become mongod, as soon as this member is not fenced",
		Example: "  dbagent exec -- mongod --dbpath /data/db",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			path, err := exec.LookPath(args[0])
			if err != nil {
				return &commandError{notFound, fmt.Errorf("the image has no %s: %w", args[0], err)}
			}
			if dbagent.Fenced(run) {
				fmt.Fprintln(command.OutOrStdout(), "This member is fenced:", args[0], "starts when it is not any more.")
			}
			if !dbagent.AwaitRelease(command.Context(), run) {
				return nil // asked to end, and nothing runs
			}
			err = syscall.Exec(path, args, os.Environ())
			return &commandError{notExecutable, fmt.Errorf("%s cannot be run: %w", path, err)}
		},
	}
	command.Flags().StringVar(&run, "run-dir", "/run/mongod", "where the agent says whether this member is fenced")
	return command
}

func hello() *cobra.Command {
	var address, authority, run string
	command := &cobra.Command{
		Use:     "hello",
		Short:   "Succeed if mongod answers, in whatever state it is",
		Example: "  dbagent hello --address 127.0.0.1:27017",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if dbagent.Fenced(run) {
				fmt.Fprintln(command.OutOrStdout(), "fenced")
				return nil
			}
			state, warning, err := dbagent.Alive(command.Context(), address, authority)
			if err != nil && dbagent.JustReleased(run) {
				fmt.Fprintln(command.OutOrStdout(), "starting")
				return nil
			}
			if err != nil {
				return err
			}
			if warning != "" {
				fmt.Fprintln(command.ErrOrStderr(), "warning:", warning)
			}
			fmt.Fprintln(command.OutOrStdout(), state)
			return nil
		},
	}
	command.Flags().StringVar(&address, "address", "127.0.0.1:27017", "address of mongod")
	command.Flags().StringVar(&run, "run-dir", "/run/mongod", "where the agent says whether this member is fenced: then nothing is asked")
	command.Flags().StringVar(&authority, "ca", "/run/mongod/ca.crt", "CA that should have signed mongod's certificate")
	return command
}

func printVersion() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  dbagent version",
		Args:    cobra.NoArgs,
		Run: func(command *cobra.Command, _ []string) {
			fmt.Fprintln(command.OutOrStdout(), version.Version, version.Commit)
		},
	}
}
