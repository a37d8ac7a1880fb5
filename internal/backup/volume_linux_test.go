package backup_test

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"chatpdf.dev/operator/internal/backup"
)

func TestAVolumeThatFillsUpKeepsWhatItHoldsAndTheNextOneIsMadeOnceThereIsRoom(t *testing.T) {
	t.Parallel()
	w, volume := newWorld(t), backup.Volume{Path: t.TempDir()}
	switch err := syscall.Mount("tmpfs", volume.Path, "tmpfs", 0, "size=1m"); {
	case errors.Is(err, fs.ErrPermission):
		t.Skip("mounting a small file system takes root")
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(volume.Path, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	w.insert(t, "first", bson.M{"_id": 1})
	if _, err := w.job(t, "before", volume).Run(t.Context(), quiet, w.reader); err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, 2<<20) // which no compression makes fit
	rand.Read(noise)
	w.insert(t, "second", bson.M{"_id": 1, "noise": noise})
	_, err := w.job(t, "during", volume).Run(t.Context(), quiet, w.reader)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "backup during") {
		t.Errorf("the error is %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(volume.Path, "during", "*")); err != nil || len(left) > 0 {
		t.Errorf("left are %q, %v", left, err)
	}
	whole(t, volume, "before")
	if _, err := w.db.Collection("second").DeleteOne(t.Context(), bson.M{"_id": 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.job(t, "during", volume).Run(t.Context(), quiet, w.reader); err != nil {
		t.Fatalf("with room it fails all the same: %v", err)
	}
	whole(t, volume, "during")
}
