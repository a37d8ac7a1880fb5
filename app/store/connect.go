package store

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

const (
	defaultDatabase = "chatpdf"
	// oldClientGrace is how long calls under way may go on with credentials that were replaced.
	oldClientGrace = 30 * time.Second
	// lookAtURI is how often to see whether the URI or the CA is another one by now.
	lookAtURI = 10 * time.Second
)

// connection is a client and what it was made from.
type connection struct {
	client   *mongo.Client
	database string
	uri, ca  string
}

// connect makes a client from the present configuration. No error names the URI: it holds a password.
func (s *Store) connect() (*connection, error) {
	uri, ca, err := s.configuration()
	if err != nil {
		return nil, err
	}
	return s.connectTo(uri, ca)
}

// configuration reads the present URI and CA.
func (s *Store) configuration() (uri, ca string, err error) {
	if uri, err = s.options.URI(); err != nil {
		return "", "", fmt.Errorf("reading MONGODB_URI: %w", err)
	}
	if ca, err = s.options.CA(); err != nil {
		return "", "", fmt.Errorf("reading MONGODB_CA: %w", err)
	}
	return uri, ca, nil
}

func (s *Store) connectTo(uri, ca string) (*connection, error) {
	o := options.Client().ApplyURI(uri).SetAppName("chatpdf").
		SetTimeout(callTimeout).SetServerSelectionTimeout(callTimeout / 2).SetConnectTimeout(callTimeout / 2).
		SetReadPreference(readpref.Primary()).SetWriteConcern(writeconcern.Majority()).
		SetPoolMonitor(&event.PoolMonitor{Event: s.onPoolEvent}).
		SetMonitor(&event.CommandMonitor{Failed: func(_ context.Context, e *event.CommandFailedEvent) { s.noteRefusal(e.Failure) }})
	if s.options.MaxConns > 0 {
		o.SetMaxPoolSize(uint64(s.options.MaxConns))
	}
	if ca != "" {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM([]byte(ca)) {
			return nil, errors.New("MONGODB_CA holds no certificate")
		}
		o.SetTLSConfig(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})
	}
	client, err := mongo.Connect(o)
	if err != nil {
		return nil, fmt.Errorf("MONGODB_URI cannot be used: %w", diagnose(uri))
	}
	return &connection{client: client, database: databaseOf(uri), uri: uri, ca: ca}, nil
}

// databaseOf is the path of a connection string.
func databaseOf(uri string) string {
	_, rest, _ := strings.Cut(uri, "://")
	rest, _, _ = strings.Cut(rest, "?")
	if _, database, _ := strings.Cut(rest[strings.LastIndex(rest, "@")+1:], "/"); database != "" {
		return database
	}
	return defaultDatabase
}

// diagnose says why the driver refuses a connection string without showing user or password, which
// the driver's own message may quote: it asks the driver again about the string without them.
func diagnose(uri string) error {
	scheme, rest, _ := strings.Cut(uri, "://")
	rest = rest[strings.LastIndex(rest, "@")+1:]
	if err := options.Client().ApplyURI(scheme + "://" + rest).Validate(); err != nil {
		return err
	}
	return errors.New("its user and password must be there and percent-encoded, so that @ is written %40")
}

// noteRefusal wakes followRotation if the database refused our credentials.
func (s *Store) noteRefusal(err error) {
	const unauthorized, authenticationFailed = 13, 18
	var refused mongo.ServerError
	if err == nil {
		return
	}
	known := errors.As(err, &refused) && (refused.HasErrorCode(unauthorized) || refused.HasErrorCode(authenticationFailed))
	// Failures of the handshake come as text only.
	if known || strings.Contains(err.Error(), "AuthenticationFailed") || strings.Contains(err.Error(), "auth error") {
		select {
		case s.refused <- struct{}{}:
		default:
		}
	}
}

// followRotation replaces the client when the URI or the CA has changed: it looks now and then, so that the
// old credentials are out of use before they are taken away, and at once when they were refused.
func (s *Store) followRotation() {
	tick := time.NewTicker(cmp.Or(s.options.LookAtURI, lookAtURI))
	defer tick.Stop()
	pause := time.NewTicker(time.Second) // at most one look at the file a second, however many calls fail
	defer pause.Stop()
	for {
		select {
		case <-s.refused:
		case <-tick.C:
		case <-s.done:
			return
		}
		if err := s.reconnect(); err != nil {
			s.options.Log.Error("cannot connect with the new MongoDB credentials", "error", err)
		}
		select {
		case <-pause.C:
		case <-s.done:
			return
		}
	}
}

// reconnect takes up the present URI and CA, if they are others than those in use and the database takes them.
func (s *Store) reconnect() error {
	uri, ca, err := s.configuration()
	if err != nil {
		return err
	}
	old := s.current.Load()
	if uri == old.uri && ca == old.ca {
		return nil
	}
	next, err := s.connectTo(uri, ca)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	if err := next.client.Ping(ctx, nil); err != nil {
		return errors.Join(err, next.client.Disconnect(ctx))
	}
	s.current.Store(next)
	s.options.Log.Info("connected with new MongoDB credentials")
	s.wait.Go(func() {
		select {
		case <-time.After(oldClientGrace):
		case <-s.done:
		}
		ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
		defer cancel()
		old.client.Disconnect(ctx) //nolint:errcheck // nobody needs it any more
	})
	return nil
}

// connStats counts connections as the driver reports them.
type connStats struct{ open, inUse atomic.Int64 }

func (s *Store) onPoolEvent(e *event.PoolEvent) {
	switch e.Type {
	case event.ConnectionCreated:
		s.conns.open.Add(1)
	case event.ConnectionClosed:
		s.conns.open.Add(-1)
	case event.ConnectionCheckedOut:
		s.conns.inUse.Add(1)
	case event.ConnectionCheckedIn:
		s.conns.inUse.Add(-1)
	}
	s.noteRefusal(e.Error)
}

// Connections says how many connections are open and how many of them are in use.
func (s *Store) Connections() (open, inUse int64) {
	return s.conns.open.Load(), s.conns.inUse.Load()
}
