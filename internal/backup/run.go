package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"time"

	"filippo.io/age"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// Job is one run of a backup.
type Job struct {
	// ID of the backup, and RunID, which tells one run from another of the same ID. A run that was ended is done again,
	// one that is complete is not, and the ID of another one that is complete is refused.
	ID, RunID string
	// Namespace and Deployment are those of the ChatPDFDeployment.
	Namespace, Deployment string
	Database              string
	Volume                Volume
	Recipients            []age.Recipient
	Retention             Retention
}

// abandoned is the age of what a run left that was ended: no run takes that long, see [MaxDeadline].
const abandoned = 2 * MaxDeadline

// MaxDeadline is the most that a run may take.
const MaxDeadline = 24 * time.Hour

// tries is how often a moment is read that could not be read whole.
const tries = 3

// Result is what a run tells the operator, as the last message of its container: 4096 bytes at most
// (https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/), and no secret.
type Result struct {
	ID          string    `json:"id"`
	PointInTime time.Time `json:"pointInTime"`
	Documents   int64     `json:"documents"`
	// Bytes of the archive.
	Bytes int64 `json:"bytes"`
	// Kept is how many backups of the deployment there are now.
	Kept int `json:"kept"`
}

// ParseResult reads what a run told; false if it is no result.
func ParseResult(message string) (r Result, ok bool) {
	err := json.Unmarshal([]byte(message), &r)
	return r, err == nil && r.ID != "" && !r.PointInTime.IsZero()
}

// Run makes the backup, reads the archive again and only then writes its manifest. Before and after it removes what the
// retention lets go, and before it what runs left that were ended.
func (j Job) Run(ctx context.Context, log *slog.Logger, client *mongo.Client) (Result, error) {
	if err := CheckID(j.ID); err != nil {
		return Result{}, err
	}
	listed, err := j.Volume.List()
	if err != nil {
		return Result{}, err
	}
	j.tidy(log, listed, time.Now())
	// Before too: a volume that is full would stay so.
	if _, err := j.retain(log, listed.Backups, time.Now()); err != nil {
		return Result{}, err
	}
	m, err := j.make(ctx, log, client)
	if err != nil {
		return Result{}, err
	}
	if listed, err = j.Volume.List(); err != nil {
		return Result{}, err
	}
	if err := listed.Damaged[m.ID]; err != nil {
		return Result{}, fmt.Errorf("reading back what was written: %w", err)
	}
	kept, err := j.retain(log, listed.Backups, time.Now())
	if err != nil {
		return Result{}, err
	}
	return Result{ID: m.ID, PointInTime: m.PointInTime, Documents: m.Documents(), Bytes: m.Archive.Bytes, Kept: kept}, nil
}

func (j Job) make(ctx context.Context, log *slog.Logger, client *mongo.Client) (*Manifest, error) {
	switch m, err := j.Volume.Manifest(j.ID); {
	case err == nil && m.RunID == j.RunID:
		log.Info("this backup is complete already", "id", j.ID)
		return m, nil
	case err == nil:
		return nil, fmt.Errorf("backup %s exists already, and shows %s: give this one, which is its Job, another name", j.ID, m.PointInTime.Format(time.RFC3339))
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	var m *Manifest
	for try := 1; ; try++ {
		err := j.Volume.write(j.ID, (&Manifest{Archive: ArchiveFile{Encrypted: len(j.Recipients) > 0}}).ArchiveName(), func(w io.Writer) (err error) {
			m, err = Dump(ctx, client, j.Database, w, j.Recipients...)
			return err
		})
		if err == nil {
			break
		}
		if !errors.Is(err, ErrChanged) || try == tries {
			return nil, err
		}
		log.Warn("reading another moment", "why", err.Error(), "try", try+1, "of", tries)
	}
	m.ID, m.RunID, m.Namespace, m.Deployment = j.ID, j.RunID, j.Namespace, j.Deployment
	log.Info("the archive is written", "id", m.ID, "pointInTime", m.PointInTime, "collections", len(m.Collections),
		"documents", m.Documents(), "documentBytes", m.DocumentBytes(), "archiveBytes", m.Archive.Bytes)
	if err := j.check(m); err != nil {
		return nil, err
	}
	return m, j.Volume.write(m.ID, manifestFile, m.Write)
}

// check reads the archive from where it lies. Of an encrypted one, which cannot be opened here, size and sum are compared.
func (j Job) check(m *Manifest) error {
	file, err := j.Volume.Open(m)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := Check(m, file); err != nil {
		return fmt.Errorf("reading back what was written: %w", err)
	}
	return nil
}

// tidy removes what runs left that were ended, and says what is damaged, which stays.
func (j Job) tidy(log *slog.Logger, listed Listed, now time.Time) {
	for id, touched := range listed.Unfinished {
		if now.Sub(touched) > abandoned {
			log.Info("removing what a run left that was ended", "id", id)
			if err := j.Volume.RemoveUnfinished(id); err != nil {
				log.Warn("something lies there that no run made, and stays", "id", id, "why", err.Error())
			}
		}
	}
	for id, damaged := range listed.Damaged {
		log.Warn("a backup is damaged and stays", "id", id, "why", damaged.Error())
	}
}

// retain removes what may go and returns how many backups stay. Those of other deployments are none of its business.
func (j Job) retain(log *slog.Logger, backups []*Manifest, now time.Time) (int, error) {
	var own []*Manifest
	for _, m := range backups {
		if m.Namespace == j.Namespace && m.Deployment == j.Deployment {
			own = append(own, m)
		}
	}
	expired := j.Retention.Expired(own, now)
	for _, m := range expired {
		log.Info("removing a backup", "id", m.ID, "pointInTime", m.PointInTime, "keepDays", j.Retention.Days)
		if err := j.Volume.Remove(m.ID); err != nil {
			return 0, err
		}
	}
	return len(own) - len(expired), nil
}
