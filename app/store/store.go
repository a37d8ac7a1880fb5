// Package store keeps everything the application remembers in MongoDB (4.4 or later, a replica set).
//
// What holds here:
//
//   - Every method takes the owner, or something that carries one (a Lease, an Upload). An id of
//     someone else behaves like one that does not exist.
//   - A document and its ingestion job are one MongoDB document, so their states cannot disagree.
//   - Results are written in transactions that first check the lease (holder and attempt): whoever
//     lost it writes nothing. Rows of pages and passages carry the attempt, and readers see only
//     those of the attempt that made the document ready.
//   - A file without a document is named in the collection orphans before its first byte is
//     written and until its last one is removed, so a crash at any point leaves work for Sweep
//     and nothing else.
//   - Times that are compared between processes come from the database's clock.
//   - Writes wait for a majority; every call is bounded in time.
package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// What callers tell apart; everything else is the database being away or broken.
var (
	ErrNotFound  = errors.New("not found")
	ErrExists    = errors.New("exists already")
	ErrLeaseLost = errors.New("the lease was lost to another worker")
)

// callTimeout bounds every call whose context has no deadline of its own.
const callTimeout = 10 * time.Second

// Options says where the database is.
type Options struct {
	URI      func() (string, error) // read again now and then and after an authentication failure, so that a rotated password works
	CA       func() (string, error) // PEM; an empty answer means: as the URI says
	MaxConns int                    // size of the connection pool; 0: the driver's default
	Log      *slog.Logger

	// FilesFromSecondaries reads the content of files from secondaries while there are any: it never changes, and
	// what one lacks the primary has.
	FilesFromSecondaries bool

	LookAtURI time.Duration // how often to read URI and CA again; 0: every 10 s
}

// Store is safe for use by many goroutines.
type Store struct {
	options Options
	current atomic.Pointer[connection]
	refused chan struct{} // the database refused our credentials
	done    chan struct{}
	wait    sync.WaitGroup
	conns   connStats
}

// Open prepares the connection; the database need not answer yet. An error means that the
// configuration cannot work.
func Open(o Options) (*Store, error) {
	s := &Store{options: o, refused: make(chan struct{}, 1), done: make(chan struct{})}
	c, err := s.connect()
	if err != nil {
		return nil, err
	}
	s.current.Store(c)
	s.wait.Go(s.followRotation)
	return s, nil
}

// Close gives connections back; calls under way fail.
func (s *Store) Close(ctx context.Context) error {
	close(s.done)
	s.wait.Wait()
	return s.current.Load().client.Disconnect(ctx)
}

// Ping says whether the database answers and takes writes.
func (s *Store) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if err := s.current.Load().client.Ping(ctx, nil); err != nil {
		return fmt.Errorf("the database does not answer: %w", err)
	}
	return nil
}

func (s *Store) users() *mongo.Collection     { return s.collection("users") }
func (s *Store) sessions() *mongo.Collection  { return s.collection("sessions") }
func (s *Store) windows() *mongo.Collection   { return s.collection("windows") }
func (s *Store) documents() *mongo.Collection { return s.collection("documents") }
func (s *Store) pages() *mongo.Collection     { return s.collection("pages") }
func (s *Store) passages() *mongo.Collection  { return s.collection("passages") }
func (s *Store) orphans() *mongo.Collection   { return s.collection("orphans") }
func (s *Store) settings() *mongo.Collection  { return s.collection("settings") }
func (s *Store) files() *mongo.Collection     { return s.collection("fs.files") }
func (s *Store) chunks() *mongo.Collection    { return s.collection("fs.chunks") }

func (s *Store) collection(name string, o ...options.Lister[options.CollectionOptions]) *mongo.Collection {
	c := s.current.Load()
	return c.client.Database(c.database).Collection(name, o...)
}

// transact runs do in a transaction, again where the database asks for it. do must pass on its
// context and have no effect but through it. A transaction that has begun goes on when ctx ends: the
// database would keep the locks of one that breaks off for a minute.
func (s *Store) transact(ctx context.Context, do func(ctx context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	err := s.transactOnce(ctx, do)
	if errors.Is(err, mongo.ErrWrongClient) {
		// The credentials were replaced between two calls of it.
		err = s.transactOnce(ctx, do)
	}
	return err
}

func (s *Store) transactOnce(ctx context.Context, do func(ctx context.Context) error) error {
	session, err := s.current.Load().client.StartSession()
	if err != nil {
		return err
	}
	defer session.EndSession(ctx)
	_, err = session.WithTransaction(ctx, func(ctx context.Context) (any, error) { return nil, do(ctx) })
	return err
}

// newID makes an identifier: 26 characters of lower-case base32, of at least 128 random bits.
func newID() string { return strings.ToLower(rand.Text()) }
