package store

import (
	"context"
	"errors"
	"fmt"
	"io"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"chatpdf.dev/operator/app/chatpdf"
)

// File reads a stored file from any place. It is for one goroutine.
type File struct {
	store  *Store
	ctx    context.Context
	file   bson.ObjectID
	size   int64
	chunk  int64 // bytes in a chunk
	offset int64

	secondary  bool          // read from secondaries, as long as they have it
	cursor     *mongo.Cursor // nil: nothing read since the last Seek
	connection *connection   // of the cursor
	rest       []byte        // of the present chunk
}

// OpenFile opens the file of an owner's document. Reads end when ctx does.
func (s *Store) OpenFile(ctx context.Context, owner chatpdf.UserID, id chatpdf.DocumentID) (*File, chatpdf.Document, error) {
	d, err := s.findDocument(ctx, bson.M{"_id": id, "owner": owner})
	if err != nil {
		return nil, chatpdf.Document{}, err
	}
	f, err := s.openFile(ctx, d.File)
	return f, d.domain(), err
}

func (s *Store) openFile(ctx context.Context, id bson.ObjectID) (*File, error) {
	var info struct {
		Length    int64 `bson:"length"`
		ChunkSize int64 `bson:"chunkSize"`
	}
	err := s.files().FindOne(ctx, bson.M{"_id": id}).Decode(&info)
	if errors.Is(err, mongo.ErrNoDocuments) || err == nil && info.ChunkSize <= 0 {
		return nil, fmt.Errorf("the file: %w", ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("opening a file: %w", err)
	}
	return &File{store: s, ctx: ctx, file: id, size: info.Length, chunk: info.ChunkSize, secondary: s.options.FilesFromSecondaries}, nil
}

// Read reads from where the last Read or Seek ended.
func (f *File) Read(p []byte) (int, error) {
	if f.offset >= f.size {
		return 0, io.EOF
	}
	for len(f.rest) == 0 {
		if err := f.nextChunk(); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.rest)
	f.rest, f.offset = f.rest[n:], f.offset+int64(n)
	return n, nil
}

// nextChunk reads from the primary what a secondary does not have, not yet or not any more.
func (f *File) nextChunk() error {
	err := f.readChunk()
	if err == nil || !f.secondary || f.ctx.Err() != nil {
		return err
	}
	f.secondary = false
	f.Close() // the secondary may be gone
	return f.readChunk()
}

func (f *File) readChunk() error {
	first := f.offset / f.chunk
	if f.cursor != nil && f.connection != f.store.current.Load() {
		// The credentials were replaced, and connections with the old ones are about to be closed.
		if err := f.Close(); err != nil {
			return fmt.Errorf("reading a file: %w", err)
		}
	}
	if f.cursor == nil {
		if err := f.find(first); err != nil {
			return fmt.Errorf("reading a file: %w", err)
		}
	}
	if !f.cursor.Next(f.ctx) {
		if err := f.cursor.Err(); err != nil {
			return fmt.Errorf("reading a file: %w", err)
		}
		return fmt.Errorf("reading a file: it ends at byte %d of %d: %w", f.offset, f.size, io.ErrUnexpectedEOF)
	}
	var chunk struct {
		N    int64       `bson:"n"`
		Data bson.Binary `bson:"data"`
	}
	if err := f.cursor.Decode(&chunk); err != nil {
		return fmt.Errorf("reading a file: %w", err)
	}
	skip := f.offset - chunk.N*f.chunk
	if chunk.N != first || skip >= int64(len(chunk.Data.Data)) {
		return fmt.Errorf("reading a file: part %d is missing or too short: %w", first, io.ErrUnexpectedEOF)
	}
	f.rest = chunk.Data.Data[skip:]
	return nil
}

// find begins to read at a chunk.
func (f *File) find(first int64) (err error) {
	chunks := f.store.chunks()
	if f.secondary {
		chunks = f.store.collection(chunks.Name(), options.Collection().SetReadPreference(readpref.SecondaryPreferred()))
	}
	f.connection = f.store.current.Load()
	filter := bson.M{"files_id": f.file, "n": bson.M{"$gte": first}}
	f.cursor, err = chunks.Find(f.ctx, filter, options.Find().SetSort(bson.M{"n": 1}).SetBatchSize(chunkBatch))
	return err
}

// Seek moves to another place of the file.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.offset
	case io.SeekEnd:
		offset += f.size
	}
	if offset < 0 {
		return 0, errors.New("seeking before the start of a file")
	}
	if offset == f.offset {
		return offset, nil
	}
	f.offset = offset
	return offset, f.Close()
}

// Close gives the cursor back; the file can still be read.
func (f *File) Close() error {
	cursor := f.cursor
	f.cursor, f.rest = nil, nil
	if cursor == nil {
		return nil
	}
	return cursor.Close(context.WithoutCancel(f.ctx))
}
