package backup

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
	"go.mongodb.org/mongo-driver/v2/bson"
)

const (
	// chunkBytes is how much of a collection makes a file of the archive: a file of a tar has to be complete before
	// its size can be written, and it stands in memory until then.
	chunkBytes = 8 << 20
	// maxDocument is the most that one document can take, with what the server allows itself beside 16 MiB
	// (https://www.mongodb.com/docs/manual/reference/limits/, BSON documents).
	maxDocument = 16<<20 + 16<<10
	minDocument = 5
	// maxDefinition bounds the definition of a collection: 64 indexes, each smaller than a document of its own.
	maxDefinition = 4 << 20
	// maxWindow bounds the memory that a damaged archive can ask the decompressor for; the writer's window is 8 MiB.
	maxWindow = 64 << 20

	definitionFile = "metadata.json"
	chunkSuffix    = ".bson"
)

// Definition is how a collection is made again: its options and indexes as the server tells them.
type Definition struct {
	Name    string     `bson:"collectionName"`
	Options bson.Raw   `bson:"options"`
	Indexes []bson.Raw `bson:"indexes"`
}

// Writer writes an archive: a tar, compressed with zstd and, if there are recipients, encrypted with age. Each
// collection is a directory of it, named DATABASE/COLLECTION with what is unusual in names escaped as in URLs,
// that holds metadata.json (options and indexes, as MongoDB's own mongodump writes them) and the documents
// in 000001.bson and so on. Without this program a collection comes back by
//
//	age -d -i key.txt archive.tar.zst.age | zstd -d | tar x
//	cat chatpdf/documents/*.bson | mongorestore --db chatpdf --collection documents -
type Writer struct {
	tar      *tar.Writer
	closers  []io.Closer // innermost last written, first closed
	sum      *summing
	moment   time.Time
	database string

	directory string
	chunks    int
	buffer    bytes.Buffer
}

// NewWriter begins an archive of one database, as it was at that moment.
func NewWriter(w io.Writer, database string, moment time.Time, recipients []age.Recipient) (*Writer, error) {
	archive := &Writer{sum: &summing{w: w, hash: sha256.New()}, moment: moment, database: database}
	var into io.Writer = archive.sum
	if len(recipients) > 0 {
		encrypted, err := age.Encrypt(into, recipients...)
		if err != nil {
			return nil, fmt.Errorf("beginning to encrypt: %w", err)
		}
		archive.closers, into = append(archive.closers, encrypted), encrypted
	}
	compressed, err := zstd.NewWriter(into)
	if err != nil {
		return nil, fmt.Errorf("beginning to compress: %w", err)
	}
	archive.tar = tar.NewWriter(compressed)
	archive.closers = append(archive.closers, compressed, archive.tar)
	return archive, nil
}

// Collection begins a collection. What documents follow are its own.
func (w *Writer) Collection(d Definition) error {
	if err := w.flush(); err != nil {
		return err
	}
	content, err := bson.MarshalExtJSON(d, true, false)
	if err != nil {
		return fmt.Errorf("writing the definition of collection %s: %w", d.Name, err)
	}
	w.directory, w.chunks = directory(w.database, d.Name), 0
	return w.file(definitionFile, content)
}

// Document adds one document to the collection that was begun last.
func (w *Writer) Document(document bson.Raw) error {
	w.buffer.Write(document)
	if w.buffer.Len() < chunkBytes {
		return nil
	}
	return w.flush()
}

// Close completes the archive and returns its size and SHA-256. It does not close the writer below.
func (w *Writer) Close() (ArchiveFile, error) {
	err := w.flush()
	for _, closer := range slices.Backward(w.closers) {
		err = errors.Join(err, closer.Close())
	}
	if err != nil {
		return ArchiveFile{}, fmt.Errorf("completing the archive: %w", err)
	}
	return ArchiveFile{Bytes: w.sum.bytes, SHA256: w.sum.String()}, nil
}

func (w *Writer) flush() error {
	if w.buffer.Len() == 0 {
		return nil
	}
	w.chunks++
	err := w.file(fmt.Sprintf("%06d%s", w.chunks, chunkSuffix), w.buffer.Bytes())
	w.buffer.Reset()
	return err
}

func (w *Writer) file(name string, content []byte) error {
	header := &tar.Header{Name: w.directory + "/" + name, Mode: 0o600, Size: int64(len(content)), ModTime: w.moment, Format: tar.FormatPAX}
	err := w.tar.WriteHeader(header)
	if err == nil {
		_, err = w.tar.Write(content)
	}
	if err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	return nil
}

func directory(database, collection string) string {
	return url.PathEscape(database) + "/" + url.PathEscape(collection)
}

// summing counts and sums up what goes through it.
type summing struct {
	w     io.Writer
	hash  hash.Hash
	bytes int64
}

func (s *summing) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.hash.Write(p[:n])
	s.bytes += int64(n)
	return n, err
}

func (s *summing) compare(want ArchiveFile) error {
	switch {
	case s.bytes != want.Bytes:
		return fmt.Errorf("the archive has %d bytes, and its manifest says %d: it is damaged", s.bytes, want.Bytes)
	case s.String() != want.SHA256:
		return errors.New("the SHA-256 of the archive is not that of its manifest: it is damaged")
	}
	return nil
}

func (s *summing) String() string { return hex.EncodeToString(s.hash.Sum(nil)) }

// Reader reads an archive that [Writer] wrote. Whatever it is given, it takes no more memory than one file of an archive.
type Reader struct {
	tar  *tar.Reader
	raw  io.Reader
	sum  *summing
	zstd *zstd.Decoder

	database string
	chunk    []byte // what is left of the file that is being read
	next     *Definition
	current  string
}

// NewReader begins to read the archive of one database. Identities are the keys of an encrypted one.
func NewReader(r io.Reader, database string, identities []age.Identity) (*Reader, error) {
	archive := &Reader{sum: &summing{w: io.Discard, hash: sha256.New()}, database: database}
	archive.raw = io.TeeReader(r, archive.sum)
	from := archive.raw
	if len(identities) > 0 {
		decrypted, err := age.Decrypt(from, identities...)
		if err != nil {
			return nil, fmt.Errorf("decrypting the archive: %w", err)
		}
		from = decrypted
	}
	// With one decoder nothing is read ahead by another goroutine, so that Finish can read what is left.
	decompressed, err := zstd.NewReader(from, zstd.WithDecoderMaxMemory(maxWindow), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("decompressing the archive: %w", err)
	}
	archive.zstd, archive.tar = decompressed, tar.NewReader(decompressed)
	return archive, nil
}

// Close frees what the reader holds. It does not close the reader below.
func (r *Reader) Close() { r.zstd.Close() }

// Collection goes on to the next collection, leaving out what was not read of the last. It returns io.EOF
// after the last.
func (r *Reader) Collection() (*Definition, error) {
	for r.next == nil {
		if _, err := r.file(); err != nil {
			return nil, err
		}
	}
	d := r.next
	r.next, r.chunk, r.current = nil, nil, d.Name
	return d, nil
}

// Document returns the next document of the collection, and io.EOF after its last.
func (r *Reader) Document() (bson.Raw, error) {
	for len(r.chunk) == 0 {
		if r.next != nil {
			return nil, io.EOF
		}
		chunk, err := r.file()
		if err != nil {
			return nil, err
		}
		r.chunk = chunk
	}
	if len(r.chunk) < minDocument {
		return nil, r.damaged("a document has no end")
	}
	length := int64(binary.LittleEndian.Uint32(r.chunk))
	if length < minDocument || length > int64(len(r.chunk)) {
		return nil, r.damaged("a document has no end")
	}
	document := bson.Raw(r.chunk[:length])
	r.chunk = r.chunk[length:]
	return document, nil
}

// Finish reads what is left and compares all that was read with what the manifest says of the archive.
func (r *Reader) Finish(want ArchiveFile) error {
	_, err := io.Copy(io.Discard, r.zstd)
	if err == nil {
		_, err = io.Copy(io.Discard, r.raw)
	}
	if err != nil {
		return fmt.Errorf("reading the archive to its end: %w", err)
	}
	return r.sum.compare(want)
}

// file reads the next file: a definition into r.next, or documents, which it returns.
func (r *Reader) file() ([]byte, error) {
	header, err := r.tar.Next()
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	if err != nil {
		return nil, fmt.Errorf("reading the archive: %w", err)
	}
	at, name := "", header.Name
	if slash := strings.LastIndexByte(name, '/'); slash >= 0 {
		at, name = name[:slash], name[slash+1:]
	}
	limit := int64(chunkBytes + maxDocument)
	if name == definitionFile {
		limit = maxDefinition
	}
	if header.Size > limit || header.Typeflag != tar.TypeReg {
		return nil, r.damaged(fmt.Sprintf("%.200q is not a file of at most %d bytes", header.Name, limit))
	}
	content := make([]byte, header.Size)
	if _, err := io.ReadFull(r.tar, content); err != nil {
		return nil, fmt.Errorf("reading the archive: %w", err)
	}
	switch {
	case name == definitionFile:
		var d Definition
		if err := bson.UnmarshalExtJSON(content, true, &d); err != nil {
			return nil, r.damaged(fmt.Sprintf("the definition in %.200q cannot be read", at))
		}
		if at != directory(r.database, d.Name) {
			return nil, r.damaged(fmt.Sprintf("%.200q holds the definition of %.200q", at, d.Name))
		}
		r.next = &d
		return nil, nil
	case strings.HasSuffix(name, chunkSuffix) && r.current != "" && at == directory(r.database, r.current):
		return content, nil
	}
	return nil, r.damaged(fmt.Sprintf("%.200q is nothing that belongs there", header.Name))
}

func (r *Reader) damaged(what string) error { return fmt.Errorf("the archive is damaged: %s", what) }
