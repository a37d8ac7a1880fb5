package backup

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
)

// Check reads an archive from its beginning to its end and holds every collection to the manifest. An encrypted one
// for which there is no identity is only held to its size and sum.
func Check(m *Manifest, archive io.Reader, identities ...age.Identity) error {
	if m.Archive.Encrypted && len(identities) == 0 {
		sum := &summing{w: io.Discard, hash: sha256.New()}
		if _, err := io.Copy(sum, archive); err != nil {
			return fmt.Errorf("reading the archive to its end: %w", err)
		}
		return sum.compare(m.Archive)
	}
	reader, err := NewReader(archive, m.Database, identities)
	if err != nil {
		return err
	}
	defer reader.Close()
	for _, want := range m.Collections {
		d, err := reader.Collection()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if d == nil || d.Name != want.Name {
			return fmt.Errorf("the archive does not hold collection %q where its manifest names it: one of them is damaged", want.Name)
		}
		if err := reader.checkCollection(want); err != nil {
			return err
		}
	}
	if _, err := reader.Collection(); !errors.Is(err, io.EOF) {
		return errors.Join(errors.New("the archive holds more than its manifest names: one of them is damaged"), err)
	}
	return reader.Finish(m.Archive)
}

func (r *Reader) checkCollection(want CollectionSummary) error {
	var got tally
	for {
		document, err := r.Document()
		if errors.Is(err, io.EOF) {
			return got.compare(&want)
		}
		if err != nil {
			return err
		}
		got.add(document)
	}
}

// tally counts and sums up the documents of a collection.
type tally struct {
	documents, bytes int64
	digest           Digest
}

func (t *tally) add(document []byte) {
	t.documents++
	t.bytes += int64(len(document))
	t.digest.Add(document)
}

// compare holds what was read to the manifest.
func (t *tally) compare(want *CollectionSummary) error {
	switch {
	case t.documents != want.Documents:
		return fmt.Errorf("collection %s comes back with %d documents, and its manifest says %d: the backup is damaged", want.Name, t.documents, want.Documents)
	case t.bytes != want.Bytes || t.digest.String() != want.Digest:
		return fmt.Errorf("collection %s comes back with other documents than its manifest tells of: the backup is damaged", want.Name)
	}
	return nil
}
