package backup_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"chatpdf.dev/operator/internal/backup"
)

// BenchmarkBackup saves and brings back 64 MiB, half of them in pieces of PDFs as GridFS keeps them (255 KiB that do not compress),
// half in passages of text. Both are told as a part of the speed at which a client reads the same and does nothing with it.
func BenchmarkBackup(b *testing.B) {
	w := newWorld(b)
	pieces := make([]any, 128)
	for i := range pieces {
		data := make([]byte, 255<<10)
		if _, err := rand.Read(data); err != nil {
			b.Fatal(err)
		}
		pieces[i] = bson.M{"_id": i, "data": data}
	}
	w.insert(b, "pieces", pieces...)
	for batch := range 32 {
		var passages []any
		for i := range 512 {
			text := bytes.Repeat(fmt.Appendf(nil, "The operator keeps passage %d of batch %d. ", i, batch), 46)
			passages = append(passages, bson.M{"_id": fmt.Sprint(batch, "-", i), "text": string(text)})
		}
		w.insert(b, "passages", passages...)
	}
	var read, dumped, staged time.Duration
	var archive bytes.Buffer
	var m *backup.Manifest
	for b.Loop() {
		read += timed(b, w.readAll)
		dumped += timed(b, func(b *testing.B) error {
			archive.Reset()
			var err error
			m, err = backup.Dump(b.Context(), w.reader, w.database, &archive)
			return err
		})
		staged += timed(b, func(b *testing.B) error {
			return backup.Stage(b.Context(), w.writer, fmt.Sprint("bench-", time.Now().UnixNano()), m, bytes.NewReader(archive.Bytes()))
		})
	}
	b.ReportMetric(0, "ns/op")
	rate := func(d time.Duration) float64 {
		return float64(m.DocumentBytes()) * float64(b.N) / (1 << 20) / d.Seconds()
	}
	b.ReportMetric(rate(dumped), "backup-MiB/s")
	b.ReportMetric(rate(staged), "restore-MiB/s")
	b.ReportMetric(read.Seconds()/dumped.Seconds(), "backup/read")
	b.ReportMetric(read.Seconds()/staged.Seconds(), "restore/read")
	b.ReportMetric(float64(m.Archive.Bytes)/float64(m.DocumentBytes()), "archive/documents")
}

func timed(b *testing.B, act func(*testing.B) error) time.Duration {
	b.Helper()
	began := time.Now()
	if err := act(b); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}

// readAll reads what a backup reads.
func (w *world) readAll(b *testing.B) error {
	b.Helper()
	db := w.reader.Database(w.database, options.Database().SetReadPreference(readpref.SecondaryPreferred()))
	for _, name := range []string{"pieces", "passages"} {
		cursor, err := db.Collection(name).Find(b.Context(), bson.D{})
		if err != nil {
			return err
		}
		for cursor.Next(b.Context()) {
			if _, err := io.Discard.Write(cursor.Current); err != nil {
				return err
			}
		}
		if err := cursor.Err(); err != nil {
			return err
		}
	}
	return nil
}
