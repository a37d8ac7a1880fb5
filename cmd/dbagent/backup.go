package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"chatpdf.dev/operator/internal/backup"
	"chatpdf.dev/operator/internal/dbagent"
)

// server is how a job reaches the database.
type server struct {
	hosts              []string
	replicaSet         string
	userDir, authority string
}

func (s *server) flags(command *cobra.Command) {
	flags := command.Flags()
	flags.StringSliceVar(&s.hosts, "hosts", nil, "members or seeds of the replica set, as host:port")
	flags.StringVar(&s.replicaSet, "replica-set", "", "name of the replica set")
	flags.StringVar(&s.userDir, "user-dir", "/etc/dbagent/user", "mounted Secret with username and password")
	flags.StringVar(&s.authority, "ca", "/etc/dbagent/tls/ca.crt", "authorities that sign the members' certificates")
	for _, name := range []string{"hosts", "replica-set"} {
		command.MarkFlagRequired(name) //nolint:errcheck // the flag is there
	}
}

// selectionTimeout lets an election pass.
const selectionTimeout = time.Minute

func (s *server) connect() (*mongo.Client, error) {
	username, password, err := dbagent.ReadUser(s.userDir)
	if err != nil {
		return nil, fmt.Errorf("reading the database user: %w", err)
	}
	authorities, err := os.ReadFile(s.authority)
	if err != nil {
		return nil, fmt.Errorf("reading the authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authorities) {
		return nil, fmt.Errorf("%s holds no certificate", s.authority)
	}
	client, err := mongo.Connect(options.Client().SetHosts(s.hosts).SetReplicaSet(s.replicaSet).SetAppName("chatpdf-backup").
		SetAuth(options.Credential{AuthSource: "admin", Username: username, Password: password}).
		SetTLSConfig(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}).SetDisableOCSPEndpointCheck(true).
		SetServerSelectionTimeout(selectionTimeout).SetWriteConcern(writeconcern.Majority()))
	if err != nil {
		return nil, fmt.Errorf("connecting to the database: %w", err)
	}
	return client, nil
}

func makeBackup() *cobra.Command {
	var (
		from       server
		job        backup.Job
		recipients []string
		message    string
	)
	command := &cobra.Command{
		Use:   "backup",
		Short: "Save the database as it is at one moment",
		Long: `Save the database as it is at one moment, in a directory of its own under --volume.

The archive is read again before the backup counts: it exists once its manifest.json does. After that, backups
of the same deployment that are older than --keep-days are removed, but for the newest --keep-at-least.
A run that was ended can be repeated with the same --id.`,
		Example: "  dbagent backup --id docs-backup-29123456 --namespace ns --deployment docs \\\n" +
			"    --hosts docs-mongodb.ns.svc:27017 --replica-set docs --volume /backups --keep-days 30",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			ctx := command.Context()
			for _, r := range recipients {
				recipient, err := age.ParseX25519Recipient(r)
				if err != nil {
					return fmt.Errorf("--recipient %.80q is no public key of age: %w", r, err)
				}
				job.Recipients = append(job.Recipients, recipient)
			}
			client, err := from.connect()
			if err != nil {
				return err
			}
			defer client.Disconnect(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is in flight
			result, err := job.Run(ctx, slog.New(slog.NewJSONHandler(command.ErrOrStderr(), nil)), client)
			if err != nil {
				return err
			}
			return tell(command, message, result)
		},
	}
	from.flags(command)
	flags := command.Flags()
	flags.StringVar(&job.ID, "id", "", "name of the backup: at most 63 lower-case letters, digits and dashes")
	flags.StringVar(&job.RunID, "run", "", "what tells this run from another of the same --id, such as the UID of its Job")
	flags.StringVar(&job.Namespace, "namespace", "", "namespace of the ChatPDFDeployment")
	flags.StringVar(&job.Deployment, "deployment", "", "name of the ChatPDFDeployment")
	flags.StringVar(&job.Database, "database", "chatpdf", "database to save")
	flags.StringVar(&job.Volume.Path, "volume", "/backups", "directory that backups are kept in")
	flags.StringArrayVar(&recipients, "recipient", nil, "public key of age (age1...) to encrypt for; may be repeated")
	flags.IntVar(&job.Retention.Days, "keep-days", 0, "remove backups that are older; 0 keeps all")
	flags.IntVar(&job.Retention.AtLeast, "keep-at-least", 1, "how many of the newest stay however old they are")
	flags.StringVar(&message, "result", "", "file to write the result to as well")
	for _, name := range []string{"id", "namespace", "deployment"} {
		command.MarkFlagRequired(name) //nolint:errcheck // the flag is there
	}
	return command
}

// tell prints the result, and leaves it where the kubelet takes it up.
func tell(command *cobra.Command, path string, result any) error {
	line, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	fmt.Fprintln(command.OutOrStdout(), string(line))
	if path == "" {
		return nil
	}
	if err := os.WriteFile(path, line, 0o600); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

func listBackups() *cobra.Command {
	var volume backup.Volume
	command := &cobra.Command{
		Use:     "backups",
		Short:   "List the backups in a directory",
		Example: "  dbagent backups --volume /backups",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			listed, err := volume.List()
			if err != nil {
				return err
			}
			out := command.OutOrStdout()
			width := len("ID")
			for _, m := range listed.Backups {
				width = max(width, len(m.ID))
			}
			fmt.Fprintf(out, "%-*s  %-20s  %12s  %14s  %s\n", width, "ID", "POINT IN TIME", "DOCUMENTS", "ARCHIVE BYTES", "OF")
			for _, m := range listed.Backups {
				fmt.Fprintf(out, "%-*s  %-20s  %12d  %14d  %s/%s\n", width, m.ID, m.PointInTime.Format(time.RFC3339),
					m.Documents(), m.Archive.Bytes, m.Namespace, m.Deployment)
			}
			var damaged []error
			for _, err := range listed.Damaged {
				damaged = append(damaged, err)
			}
			return errors.Join(damaged...)
		},
	}
	command.Flags().StringVar(&volume.Path, "volume", "/backups", "directory that backups are kept in")
	return command
}

// readIdentities reads secret keys of age; none if there is no file.
func readIdentities(path string) ([]age.Identity, error) {
	if path == "" {
		return nil, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the secret keys: %w", err)
	}
	identities, err := age.ParseIdentities(strings.NewReader(string(content)))
	if err != nil {
		return nil, fmt.Errorf("%s holds no secret keys of age", path) // the error could show one
	}
	return identities, nil
}

func restoreBackup() *cobra.Command {
	var (
		into           server
		volume         backup.Volume
		id, name, keys string
		prepareOnly    bool
	)
	command := &cobra.Command{
		Use:   "restore",
		Short: "Bring a backup back into the database",
		Long: `Bring a backup back into the database.

The backup is loaded beside what is there, read back and compared with its manifest. Until then nothing changes.
Then it takes the place of what is there: nothing else may write to the database meanwhile.
A run that was ended can be repeated with the same --id; one that is complete is not done again.`,
		Example: "  dbagent restore --id restore-1 --backup docs-backup-29123456 --hosts docs-mongodb.ns.svc:27017 --replica-set docs",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			ctx := command.Context()
			m, err := volume.Manifest(name)
			if err != nil {
				return err
			}
			identities, err := readIdentities(keys)
			if err != nil {
				return err
			}
			client, err := into.connect()
			if err != nil {
				return err
			}
			defer client.Disconnect(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is in flight
			archive, err := volume.Open(m)
			if err != nil {
				return err
			}
			defer archive.Close()
			log := slog.New(slog.NewJSONHandler(command.ErrOrStderr(), nil)).With("id", id, "backup", m.ID)
			log.Info("loading the backup beside what is there", "pointInTime", m.PointInTime, "documents", m.Documents(), "documentBytes", m.DocumentBytes())
			if err := backup.Stage(ctx, client, id, m, archive, identities...); err != nil {
				return err
			}
			log.Info("the backup is prepared, and is what its manifest says")
			if prepareOnly {
				return nil
			}
			if err := backup.Swap(ctx, client, m.Database, id); err != nil {
				return fmt.Errorf("%w; part of the backup may be in its place: repeat this with --id %s before anything writes", err, id)
			}
			log.Info("the backup is in its place")
			return nil
		},
	}
	into.flags(command)
	flags := command.Flags()
	flags.StringVar(&id, "id", "", "name of this restore: at most 63 lower-case letters, digits and dashes")
	flags.StringVar(&name, "backup", "", "name of the backup")
	flags.StringVar(&volume.Path, "volume", "/backups", "directory that backups are kept in")
	flags.StringVar(&keys, "identities", "", "file with secret keys of age, for an encrypted backup")
	flags.BoolVar(&prepareOnly, "prepare-only", false, "load and compare, and leave what the application uses as it is")
	for _, required := range []string{"id", "backup"} {
		command.MarkFlagRequired(required) //nolint:errcheck // the flag is there
	}
	return command
}
