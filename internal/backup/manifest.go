package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// FormatVersion is the version of archives and manifests that this program writes, and the newest it reads.
const FormatVersion = 1

// maxManifest bounds what is read of a manifest. A collection takes some 300 bytes of it.
const maxManifest = 4 << 20

// Manifest is the record of one backup: what it holds, and how to tell that it still does.
type Manifest struct {
	FormatVersion int `json:"formatVersion"`
	// ID names the backup at its destination: a DNS label.
	ID string `json:"id"`
	// RunID tells the run that made it from others of the same ID; empty if it had none.
	RunID string `json:"runID,omitempty"`
	// Namespace and Deployment are the ChatPDFDeployment whose database it was.
	Namespace  string `json:"namespace"`
	Deployment string `json:"deployment"`
	Database   string `json:"database"`
	// PointInTime is the moment that the backup shows, by the servers' clocks; ClusterTime is the same exactly.
	PointInTime time.Time   `json:"pointInTime"`
	ClusterTime ClusterTime `json:"clusterTime"`
	// Started and Finished are when the run began and when the archive was complete.
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	// ServerVersion is that of the mongod that was read.
	ServerVersion string              `json:"serverVersion"`
	Archive       ArchiveFile         `json:"archive"`
	Collections   []CollectionSummary `json:"collections"`
}

// ClusterTime is a moment of the replica set: seconds since 1970, and the number of the operation in that second.
type ClusterTime struct {
	Seconds   uint32 `json:"seconds"`
	Increment uint32 `json:"increment"`
}

// ArchiveFile is the file with the documents.
type ArchiveFile struct {
	// Bytes and SHA256 (hexadecimal) are of the file as it lies at the destination.
	Bytes     int64  `json:"bytes"`
	SHA256    string `json:"sha256"`
	Encrypted bool   `json:"encrypted"`
}

// CollectionSummary is what the archive holds of one collection.
type CollectionSummary struct {
	Name      string `json:"name"`
	Documents int64  `json:"documents"`
	// Bytes of the documents, not compressed.
	Bytes int64 `json:"bytes"`
	// Digest is that of all documents, see [Digest].
	Digest string `json:"digest"`
	// Indexes are the names of the indexes, sorted.
	Indexes []string `json:"indexes"`
}

// Documents is the number of documents in all collections.
func (m *Manifest) Documents() (total int64) {
	for _, c := range m.Collections {
		total += c.Documents
	}
	return total
}

// DocumentBytes is the size of all documents, not compressed.
func (m *Manifest) DocumentBytes() (total int64) {
	for _, c := range m.Collections {
		total += c.Bytes
	}
	return total
}

var (
	idPattern  = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	hexPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// CheckID refuses what cannot be the name of a backup.
func CheckID(id string) error {
	if !idPattern.MatchString(id) {
		return fmt.Errorf("%.80q cannot name a backup: use at most 63 lower-case letters, digits and dashes", id)
	}
	return nil
}

// ReadManifest reads a manifest and refuses one that is damaged or newer than this program.
func ReadManifest(r io.Reader) (*Manifest, error) {
	content, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	if len(content) > maxManifest {
		return nil, fmt.Errorf("the manifest has more than %d bytes: it is damaged", maxManifest)
	}
	var m Manifest
	if err := json.Unmarshal(content, &m); err != nil {
		return nil, fmt.Errorf("the manifest is damaged: %w", err)
	}
	return &m, m.check()
}

func (m *Manifest) check() error {
	if m.FormatVersion > FormatVersion {
		return fmt.Errorf("the backup has format %d, and this program reads none after %d: use a newer operator", m.FormatVersion, FormatVersion)
	}
	damaged := func(what string) error { return errors.New("the manifest is damaged: " + what) }
	switch {
	case m.FormatVersion < 1:
		return damaged("it has no formatVersion")
	case CheckID(m.ID) != nil:
		return damaged("its id is not a name")
	case m.Database == "":
		return damaged("it names no database")
	case m.ClusterTime.Seconds == 0 || m.PointInTime.IsZero():
		return damaged("it does not say which moment it is of")
	case !hexPattern.MatchString(m.Archive.SHA256) || m.Archive.Bytes <= 0:
		return damaged("it has no size and SHA-256 of the archive")
	}
	for i, c := range m.Collections {
		if c.Name == "" || c.Documents < 0 || c.Bytes < 0 || !hexPattern.MatchString(c.Digest) {
			return damaged(fmt.Sprintf("collection %d has no name, number or digest", i))
		}
		if reserved(c.Name) {
			return damaged(fmt.Sprintf("%.80q is not a collection of the application", c.Name))
		}
		if i > 0 && m.Collections[i-1].Name >= c.Name {
			return damaged("its collections are not sorted")
		}
	}
	return nil
}

// Write writes the manifest as it is read again.
func (m *Manifest) Write(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(m); err != nil {
		return fmt.Errorf("writing the manifest: %w", err)
	}
	return nil
}

// collection is the summary with that name, nil if there is none.
func (m *Manifest) collection(name string) *CollectionSummary {
	at, found := slices.BinarySearchFunc(m.Collections, name, func(c CollectionSummary, name string) int {
		return strings.Compare(c.Name, name)
	})
	if !found {
		return nil
	}
	return &m.Collections[at]
}

func clusterTimeOf(t bson.Timestamp) ClusterTime { return ClusterTime{Seconds: t.T, Increment: t.I} }
