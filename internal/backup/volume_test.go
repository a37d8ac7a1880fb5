package backup_test

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"chatpdf.dev/operator/internal/backup"
)

var quiet = slog.New(slog.DiscardHandler)

// job saves the world's database into a directory.
func (w *world) job(t *testing.T, id string, volume backup.Volume) backup.Job {
	t.Helper()
	return backup.Job{ID: id, Namespace: "ns", Deployment: "docs", Database: w.database, Volume: volume, Retention: backup.Retention{Days: 30, AtLeast: 2}}
}

func TestABackupIsThereOnceItsManifestIsAndComesBackFromTheVolume(t *testing.T) {
	t.Parallel()
	w, volume := newWorld(t), backup.Volume{Path: t.TempDir()}
	w.fill(t)
	want := w.contents(t)
	result, err := w.job(t, "docs-backup-1", volume).Run(t.Context(), quiet, w.reader)
	if err != nil {
		t.Fatal(err)
	}
	m, err := volume.Manifest("docs-backup-1")
	if err != nil {
		t.Fatal(err)
	}
	if result.ID != m.ID || !result.PointInTime.Equal(m.PointInTime) || result.Documents != 1506 || result.Bytes != m.Archive.Bytes || result.Kept != 1 {
		t.Errorf("the result is %+v", result)
	}
	w.spoil(t)
	archive, err := volume.Open(m)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	w.restore(t, m, archive)
	same(t, w.contents(t), want)

	again, err := w.job(t, "docs-backup-1", volume).Run(t.Context(), quiet, w.reader)
	if err != nil || again != result {
		t.Errorf("a run that is repeated once it is complete made %+v: %v", again, err)
	}
	another := w.job(t, "docs-backup-1", volume)
	another.RunID = "another"
	if _, err := another.Run(t.Context(), quiet, w.reader); err == nil || !strings.Contains(err.Error(), "backup docs-backup-1 exists already") {
		t.Errorf("another run of the same name says %v", err)
	}
}

func TestARunThatWasEndedIsNoBackupAndIsDoneAgain(t *testing.T) {
	t.Parallel()
	w, volume := newWorld(t), backup.Volume{Path: t.TempDir()}
	w.insert(t, "first", bson.M{"_id": 1})
	for _, left := range []string{"archive.tar.zst.part", "archive.tar.zst", "manifest.json.part"} {
		directory := filepath.Join(volume.Path, "docs-backup-1")
		if err := errors.Join(os.MkdirAll(directory, 0o700), os.WriteFile(filepath.Join(directory, left), []byte("half of i"), 0o600)); err != nil {
			t.Fatal(err)
		}
		if listed, err := volume.List(); err != nil || len(listed.Backups) != 0 || len(listed.Unfinished) != 1 {
			t.Errorf("with %s alone it lists %+v: %v", left, listed, err)
		}
	}
	if _, err := volume.Manifest("docs-backup-1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the error is %v", err)
	}
	if _, err := w.job(t, "docs-backup-1", volume).Run(t.Context(), quiet, w.reader); err != nil {
		t.Fatal(err)
	}
	whole(t, volume, "docs-backup-1")
}

// whole fails the test where a backup does not hold what its manifest tells.
func whole(t *testing.T, volume backup.Volume, id string) {
	t.Helper()
	m, err := volume.Manifest(id)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := volume.Open(m)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if err := backup.Check(m, archive); err != nil {
		t.Error(err)
	}
}

// put writes a manifest without its archive: nothing here reads that.
func put(t *testing.T, volume backup.Volume, deployment, id string, at time.Time) {
	t.Helper()
	m := &backup.Manifest{
		FormatVersion: 1, ID: id, Namespace: "ns", Deployment: deployment, Database: "chatpdf", PointInTime: at,
		ClusterTime: backup.ClusterTime{Seconds: uint32(at.Unix())}, Archive: backup.ArchiveFile{Bytes: 1, SHA256: strings.Repeat("0", 64)},
	}
	directory := filepath.Join(volume.Path, id)
	if err := os.MkdirAll(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(directory, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.Write(file), file.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestOldBackupsOfTheSameDeploymentGoAndNothingElse(t *testing.T) {
	t.Parallel()
	w, volume := newWorld(t), backup.Volume{Path: t.TempDir()}
	w.insert(t, "first", bson.M{"_id": 1})
	for days, id := range map[int]string{29: "d29", 31: "d31", 45: "d45"} {
		put(t, volume, "docs", id, time.Now().Add(-time.Duration(days)*24*time.Hour))
	}
	put(t, volume, "others", "others-45", time.Now().Add(-45*24*time.Hour))
	damaged, abandoned, goesOn := filepath.Join(volume.Path, "damaged"), filepath.Join(volume.Path, "abandoned"), filepath.Join(volume.Path, "goes-on")
	old := time.Now().Add(-72 * time.Hour)
	theirs := filepath.Join(volume.Path, "moved-here")
	for _, directory := range []string{damaged, abandoned, goesOn, theirs, filepath.Join(volume.Path, "lost+found")} {
		if err := os.Mkdir(directory, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.WriteFile(filepath.Join(damaged, "manifest.json"), []byte("{"), 0o600), os.WriteFile(filepath.Join(abandoned, "archive.tar.zst.part"), nil, 0o600), os.WriteFile(filepath.Join(theirs, "2025.tar"), nil, 0o600),
		os.Chtimes(damaged, old, old), os.Chtimes(abandoned, old, old), os.Chtimes(theirs, old, old)); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	result, err := w.job(t, "new", volume).Run(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), w.reader)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "is damaged and stays"); n != 1 {
		t.Errorf("the log says %d times that one is damaged:\n%s", n, log.String())
	}
	entries, err := os.ReadDir(volume.Path)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, entry := range entries {
		left = append(left, entry.Name())
	}
	if want := []string{"d29", "damaged", "goes-on", "lost+found", "moved-here", "new", "others-45"}; !slices.Equal(left, want) {
		t.Errorf("left are %q, want %q", left, want)
	}
	if result.Kept != 2 {
		t.Errorf("it says that %d are kept", result.Kept)
	}
}

func TestRetentionNeverTakesTheNewest(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	backups := func(ages ...int) (all []*backup.Manifest) {
		for _, days := range ages {
			all = append(all, &backup.Manifest{ID: fmt.Sprint(days), PointInTime: now.Add(-time.Duration(days)*24*time.Hour - time.Minute)})
		}
		return all
	}
	for name, test := range map[string]struct {
		retention backup.Retention
		ages      []int
		want      string
	}{
		"none":                            {backup.Retention{Days: 30, AtLeast: 7}, nil, ""},
		"all new":                         {backup.Retention{Days: 30, AtLeast: 1}, []int{0, 10, 29}, ""},
		"old ones, the oldest first":      {backup.Retention{Days: 30, AtLeast: 1}, []int{40, 0, 29, 30, 35}, "40 35 30"},
		"old ones that have to stay":      {backup.Retention{Days: 30, AtLeast: 3}, []int{40, 41, 42, 43}, "43"},
		"a schedule that stood still":     {backup.Retention{Days: 30, AtLeast: 1}, []int{100, 101}, "101"},
		"the newest, whatever is written": {backup.Retention{Days: 1, AtLeast: 0}, []int{100}, ""},
		"no limit":                        {backup.Retention{Days: 0, AtLeast: 0}, []int{100, 1000}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, m := range test.retention.Expired(backups(test.ages...), now) {
				got = append(got, m.ID)
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("%q go, want %q", got, test.want)
			}
		})
	}
}

func TestABackupThatFailsLeavesNothingAndMakesRoomAllTheSame(t *testing.T) {
	t.Parallel()
	w, volume := newWorld(t), backup.Volume{Path: t.TempDir()}
	if err := w.db.CreateCollection(t.Context(), "special", options.CreateCollection().SetCapped(true).SetSizeInBytes(4096)); err != nil {
		t.Fatal(err)
	}
	for days, id := range map[int]string{1: "d1", 2: "d2", 45: "d45"} {
		put(t, volume, "docs", id, time.Now().Add(-time.Duration(days)*24*time.Hour))
	}
	if _, err := w.job(t, "../escape", volume).Run(t.Context(), quiet, w.reader); err == nil || !strings.Contains(err.Error(), "cannot name a backup") {
		t.Errorf("the error is %v", err)
	}
	if _, err := w.job(t, "docs-backup-1", volume).Run(t.Context(), quiet, w.reader); err == nil || !strings.Contains(err.Error(), "special") {
		t.Errorf("the error is %v", err)
	}
	var left []string
	err := filepath.WalkDir(volume.Path, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			left = append(left, strings.TrimPrefix(path, volume.Path+"/"))
		}
		return err
	})
	if want := []string{"d1/manifest.json", "d2/manifest.json"}; err != nil || !slices.Equal(left, want) {
		t.Errorf("left are %q, want %q: %v", left, want, err)
	}
}

// FuzzAnArchive reads whatever it is given without a crash.
func FuzzAnArchive(f *testing.F) {
	f.Add([]byte{}, false)
	f.Add([]byte("\x28\xb5\x2f\xfd"), false)
	var archive strings.Builder
	w, err := backup.NewWriter(&archive, "chatpdf", moment, nil)
	if err != nil {
		f.Fatal(err)
	}
	document, err := bson.Marshal(bson.M{"_id": 1})
	if err != nil {
		f.Fatal(err)
	}
	empty, err := bson.Marshal(bson.M{})
	if err != nil {
		f.Fatal(err)
	}
	file, err := backup.ArchiveFile{}, errors.Join(w.Collection(backup.Definition{Name: "first", Options: empty}), w.Document(document))
	if err == nil {
		file, err = w.Close()
	}
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(archive.String()), true)
	f.Fuzz(func(t *testing.T, content []byte, _ bool) {
		r, err := backup.NewReader(strings.NewReader(string(content)), "chatpdf", nil)
		if err != nil {
			return
		}
		defer r.Close()
		for {
			if _, err := r.Collection(); err != nil {
				break
			}
			for {
				if _, err := r.Document(); err != nil {
					break
				}
			}
		}
		if err := r.Finish(file); err == nil && string(content) != archive.String() {
			t.Error("another archive has the same sum")
		}
	})
}

func TestABackupCanBeReadWithoutThisProgram(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(t)
	var archive strings.Builder
	if _, err := backup.Dump(t.Context(), w.reader, w.database, &archive); err != nil {
		t.Fatal(err)
	}
	files := untar(t, archive.String())
	var names []string
	for name := range files {
		names = append(names, strings.TrimPrefix(name, w.database+"/"))
	}
	slices.Sort(names)
	want := []string{
		"empty/metadata.json", "judged/000001.bson", "judged/metadata.json", "large/000001.bson", "large/000002.bson", "large/metadata.json",
		"many/000001.bson", "many/metadata.json", "odd%2Fname%20%25/000001.bson", "odd%2Fname%20%25/metadata.json", "words/000001.bson", "words/metadata.json",
	}
	if !slices.Equal(names, want) {
		t.Errorf("the archive holds\n%q, want\n%q", names, want)
	}
	var documents []string
	for rest := files[w.database+"/many/000001.bson"]; rest != ""; {
		document, err := bson.ReadDocument(strings.NewReader(rest))
		if err != nil {
			t.Fatal(err)
		}
		documents, rest = append(documents, document.String()), rest[len(document):]
	}
	there := w.lines(t, "many")
	slices.Sort(documents)
	slices.Sort(there)
	if !slices.Equal(documents, there) {
		t.Errorf("%d documents stand in the file of a collection of 1500, or others", len(documents))
	}
	var definition struct {
		Indexes []bson.Raw `bson:"indexes"`
		Name    string     `bson:"collectionName"`
	}
	if err := bson.UnmarshalExtJSON([]byte(files[w.database+"/many/metadata.json"]), true, &definition); err != nil || definition.Name != "many" || len(definition.Indexes) != 5 {
		t.Errorf("the definition is %+v: %v", definition, err)
	}
}
