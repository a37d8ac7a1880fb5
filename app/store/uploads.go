package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"chatpdf.dev/operator/app/chatpdf"
)

const (
	// chunkSize is what the GridFS specification proposes.
	chunkSize = 255 << 10
	// chunkBatch chunks are written at once, and that is all an upload buffers. The driver's own
	// stream buffers 16 MiB for each upload, and cannot seek when reading.
	chunkBatch = 4
	// MaxUploadTime is how long one upload may take; callers bound its context by it.
	MaxUploadTime = time.Hour
	// dueEarly makes a new job due before it exists, so that a web server whose clock runs ahead of
	// the database's does not delay it.
	dueEarly = time.Hour
)

// orphan names a file that belongs to no document (yet, or any more).
type orphan struct {
	File     bson.ObjectID      `bson:"_id"`
	Document chatpdf.DocumentID `bson:"document,omitempty"` // whose pages and passages go too
	RemoveAt time.Time          `bson:"removeAt"`
	Removing bool               `bson:"removing"` // from now on it can't become a document
}

// Upload receives the bytes of one file. It is for one goroutine, which ends it by Commit or Abort.
type Upload struct {
	store  *Store
	ctx    context.Context
	owner  chatpdf.UserID
	file   bson.ObjectID
	hash   hash.Hash
	size   int64
	buffer []byte
	next   int32 // number of the next chunk
}

// BeginUpload prepares for a file of owner. Calls of Write end when ctx does.
func (s *Store) BeginUpload(ctx context.Context, owner chatpdf.UserID) (*Upload, error) {
	u := &Upload{store: s, ctx: ctx, owner: owner, file: bson.NewObjectID(), hash: sha256.New(),
		buffer: make([]byte, 0, chunkBatch*chunkSize)}
	_, err := s.orphans().InsertOne(ctx, orphan{File: u.file, RemoveAt: time.Now().Add(2 * MaxUploadTime)})
	if err != nil {
		return nil, fmt.Errorf("beginning an upload: %w", err)
	}
	return u, nil
}

// Write takes the next bytes of the file.
func (u *Upload) Write(p []byte) (int, error) {
	total := len(p)
	u.hash.Write(p)
	for len(p) > 0 {
		n := copy(u.buffer[len(u.buffer):cap(u.buffer)], p)
		u.buffer, p = u.buffer[:len(u.buffer)+n], p[n:]
		if len(u.buffer) == cap(u.buffer) {
			if err := u.flush(); err != nil {
				return total - len(p), err
			}
		}
	}
	return total, nil
}

func (u *Upload) flush() error {
	var chunks []any
	for rest := u.buffer; len(rest) > 0; u.next++ {
		n := min(chunkSize, len(rest))
		chunks = append(chunks, bson.D{{Key: "_id", Value: bson.NewObjectID()}, {Key: "files_id", Value: u.file},
			{Key: "n", Value: u.next}, {Key: "data", Value: bson.Binary{Data: rest[:n]}}})
		rest = rest[n:]
	}
	if len(chunks) == 0 {
		return nil
	}
	if _, err := u.store.chunks().InsertMany(u.ctx, chunks); err != nil {
		return fmt.Errorf("storing a part of the file: %w", err)
	}
	u.size += int64(len(u.buffer))
	u.buffer = u.buffer[:0]
	return nil
}

// Commit makes the file a document of its owner with a job to take it in. If the owner has a
// document of the same bytes already, that one is returned, created is false, and the file is removed.
func (u *Upload) Commit(ctx context.Context, name string) (j Job, created bool, err error) {
	if err := u.flush(); err != nil {
		return Job{}, false, err
	}
	digest := hex.EncodeToString(u.hash.Sum(nil))
	// The document that stands in the way can be deleted at the same time; then there is room again.
	for range 3 {
		d := u.document(name, digest)
		err := u.insert(ctx, d)
		if err == nil {
			return d.job(), true, nil
		}
		if !mongo.IsDuplicateKeyError(err) {
			return Job{}, false, fmt.Errorf("storing the document: %w", err)
		}
		existing, err := u.store.findDocument(ctx, bson.M{"owner": u.owner, "sha256": digest})
		if err == nil {
			return existing.job(), false, u.Abort(ctx)
		}
		if !errors.Is(err, ErrNotFound) {
			return Job{}, false, err
		}
	}
	return Job{}, false, errors.New("storing the document: the same file is being deleted over and over")
}

func (u *Upload) document(name, digest string) document {
	now := time.Now().UTC().Truncate(time.Millisecond)
	return document{ID: chatpdf.DocumentID(newID()), Owner: u.owner, Name: name, Size: u.size, SHA256: digest,
		File: u.file, State: chatpdf.DocumentQueued, CreatedAt: now,
		Job: job{ID: chatpdf.JobID(newID()), Due: now.Add(-dueEarly)}}
}

func (u *Upload) insert(ctx context.Context, d document) error {
	return u.store.transact(ctx, func(ctx context.Context) error {
		removed, err := u.store.orphans().DeleteOne(ctx, bson.M{"_id": u.file, "removing": false})
		if err != nil {
			return err
		}
		if removed.DeletedCount == 0 {
			return errors.New("the upload was given up before")
		}
		file := bson.D{{Key: "_id", Value: u.file}, {Key: "length", Value: u.size}, {Key: "chunkSize", Value: int32(chunkSize)},
			{Key: "uploadDate", Value: d.CreatedAt}, {Key: "filename", Value: d.Name},
			{Key: "metadata", Value: bson.D{{Key: "owner", Value: d.Owner}, {Key: "document", Value: d.ID}}}}
		if _, err := u.store.files().InsertOne(ctx, file); err != nil {
			return err
		}
		_, err = u.store.documents().InsertOne(ctx, d)
		return err
	})
}

// Abort removes what was stored of the file, unless it has become a document; calling it after Commit is fine.
func (u *Upload) Abort(ctx context.Context) error {
	return u.store.removeOrphan(ctx, orphan{File: u.file})
}
