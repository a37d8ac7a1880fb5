package backup

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	manifestFile = "manifest.json"
	archiveFile  = "archive.tar.zst"
	encryptedEnd = ".age"
	// partEnd is the end of the name of a file that is not complete.
	partEnd = ".part"
)

// Volume is a directory that backups are kept in, each in one of its own that is named by its ID. Several may be
// written at the same time, each by one process.
type Volume struct {
	// Path of the directory, which exists.
	Path string
}

// ArchiveName is the name of the archive of a backup.
func (m *Manifest) ArchiveName() string {
	if m.Archive.Encrypted {
		return archiveFile + encryptedEnd
	}
	return archiveFile
}

// write makes one file whole or not at all: it stands under its name once all of it is on the disk.
func (v Volume) write(id, name string, fill func(io.Writer) error) (err error) {
	directory := filepath.Join(v.Path, id)
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return fmt.Errorf("making the directory of backup %s: %w", id, err)
	}
	part := filepath.Join(directory, name+partEnd)
	file, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing %s of backup %s: %w", name, id, err)
	}
	err = fill(file)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(fmt.Errorf("writing %s of backup %s: %w", name, id, err), os.Remove(part))
	}
	if err := os.Rename(part, filepath.Join(directory, name)); err != nil {
		return fmt.Errorf("writing %s of backup %s: %w", name, id, err)
	}
	return errors.Join(syncDirectory(directory), syncDirectory(v.Path))
}

// syncDirectory keeps a name that was given in a directory from being lost with the machine.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}

// Open opens the archive of a backup. The caller closes it.
func (v Volume) Open(m *Manifest) (io.ReadCloser, error) {
	file, err := os.Open(filepath.Join(v.Path, m.ID, m.ArchiveName()))
	if err != nil {
		return nil, fmt.Errorf("opening the archive of backup %s: %w", m.ID, err)
	}
	return file, nil
}

// Manifest reads the manifest of a backup. The error is [fs.ErrNotExist] where there is no such backup.
func (v Volume) Manifest(id string) (*Manifest, error) {
	if err := CheckID(id); err != nil {
		return nil, err
	}
	file, err := os.Open(filepath.Join(v.Path, id, manifestFile))
	if err != nil {
		return nil, fmt.Errorf("there is no backup %s: %w", id, err)
	}
	defer file.Close()
	m, err := ReadManifest(file)
	if err != nil {
		return nil, fmt.Errorf("backup %s: %w", id, err)
	}
	if m.ID != id {
		return nil, fmt.Errorf("backup %s holds the manifest of %s: it was renamed or is damaged", id, m.ID)
	}
	return m, nil
}

// Listed is what lies in a volume.
type Listed struct {
	Backups []*Manifest
	// Damaged says why a manifest cannot be read, by ID. It is never removed by itself.
	Damaged map[string]error
	// Unfinished are directories without a manifest, by ID, and when something was last made in them: runs that go
	// on, or were ended.
	Unfinished map[string]time.Time
}

// List lists the backups, sorted by ID.
func (v Volume) List() (Listed, error) {
	listed := Listed{Damaged: map[string]error{}, Unfinished: map[string]time.Time{}}
	entries, err := os.ReadDir(v.Path)
	if err != nil {
		return listed, fmt.Errorf("listing the backups: %w", err)
	}
	for _, entry := range entries {
		if !entry.IsDir() || CheckID(entry.Name()) != nil {
			continue // lost+found, or somebody else's
		}
		switch m, err := v.Manifest(entry.Name()); {
		case errors.Is(err, fs.ErrNotExist):
			if info, err := entry.Info(); err == nil {
				listed.Unfinished[entry.Name()] = info.ModTime()
			}
		case err != nil:
			listed.Damaged[entry.Name()] = err
		default:
			listed.Backups = append(listed.Backups, m)
		}
	}
	return listed, nil
}

// RemoveUnfinished removes what a run wrote that was ended, and nothing else: somebody may keep things of their own there.
func (v Volume) RemoveUnfinished(id string) error {
	if err := CheckID(id); err != nil {
		return err
	}
	directory := filepath.Join(v.Path, id)
	for _, name := range []string{archiveFile, archiveFile + encryptedEnd, archiveFile + partEnd, archiveFile + encryptedEnd + partEnd, manifestFile + partEnd} {
		if err := os.Remove(filepath.Join(directory, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing what a run of backup %s left: %w", id, err)
		}
	}
	if err := os.Remove(directory); err != nil {
		return fmt.Errorf("removing what a run of backup %s left: %w", id, err)
	}
	return nil
}

// Remove removes a backup, its manifest first: what is left of an interrupted removal is no backup.
func (v Volume) Remove(id string) error {
	if err := CheckID(id); err != nil {
		return err
	}
	directory := filepath.Join(v.Path, id)
	err := os.Remove(filepath.Join(directory, manifestFile))
	if err == nil {
		err = syncDirectory(directory)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err = errors.Join(err, os.RemoveAll(directory)); err != nil {
		return fmt.Errorf("removing backup %s: %w", id, err)
	}
	return nil
}
