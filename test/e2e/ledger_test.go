//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// ledgerWriters write side by side, each at most once in ledgerPace.
	ledgerWriters = 4
	ledgerPace    = 50 * time.Millisecond
	// ledgerPatience is how long one write may take before its writer goes on to the next.
	ledgerPatience = 30 * time.Second
)

// ledger is a client that writes all the time, as the application's user, over the connection string
// that the application gets, resolved by the cluster's own DNS. It remembers every acknowledgement: a
// majority of the members said that the write is there to stay.
type ledger struct {
	uri     func(t *testing.T) string // of the Secret as it is now
	ca      func(t *testing.T) []byte // likewise
	trust   atomic.Pointer[x509.CertPool]
	connect func(uri string) (*mongo.Client, error)
	client  atomic.Pointer[mongo.Client]
	stop    context.CancelFunc
	writers sync.WaitGroup

	mu           sync.Mutex
	acknowledged []entry
	lastError    error
}

type entry struct {
	id string
	at time.Time
}

// openLedger writes until the test ends.
func openLedger(t *testing.T, key client.ObjectKey) *ledger {
	t.Helper()
	secret := func(t *testing.T, name string) map[string][]byte {
		t.Helper()
		var s corev1.Secret
		if err := cluster.Get(t.Context(), client.ObjectKey{Namespace: key.Namespace, Name: name}, &s); err != nil {
			t.Fatal(err)
		}
		return s.Data
	}
	var dns corev1.Service
	if err := cluster.Get(t.Context(), client.ObjectKey{Namespace: "kube-system", Name: "kube-dns"}, &dns); err != nil {
		t.Fatal(err)
	}
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(dns.Spec.ClusterIP, "53"))
	}}
	ctx, stop := context.WithCancel(context.Background())
	l := &ledger{
		stop: stop,
		uri:  func(t *testing.T) string { return string(secret(t, key.Name+"-mongodb-app")["uri"]) },
		ca:   func(t *testing.T) []byte { return secret(t, key.Name+"-mongodb-ca")["ca.crt"] },
	}
	l.connect = func(uri string) (*mongo.Client, error) {
		return mongo.Connect(options.Client().
			ApplyURI(uri).
			SetAppName("ledger").
			SetTLSConfig(&tls.Config{RootCAs: l.trust.Load(), MinVersion: tls.VersionTLS12}).
			SetDialer(&net.Dialer{Resolver: resolver, Timeout: 5 * time.Second}))
	}
	l.reconnect(t)
	for writer := range ledgerWriters {
		l.writers.Go(func() { l.write(ctx, writer) })
	}
	t.Cleanup(func() {
		stop()
		l.writers.Wait()
		if err := l.client.Load().Disconnect(context.Background()); err != nil {
			t.Logf("closing the ledger: %v", err)
		}
	})
	return l
}

// reconnect logs in as the Secrets say now, and closes what it had.
func (l *ledger) reconnect(t *testing.T) {
	t.Helper()
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(l.ca(t)) {
		t.Fatal("the database's CA is no certificate")
	}
	l.trust.Store(authorities)
	next, err := l.connect(l.uri(t))
	if err != nil {
		t.Fatal(err)
	}
	if old := l.client.Swap(next); old != nil {
		if err := old.Disconnect(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func (l *ledger) collection() *mongo.Collection {
	return l.client.Load().Database("chatpdf").Collection("ledger")
}

func (l *ledger) write(ctx context.Context, writer int) {
	pace := time.NewTicker(ledgerPace)
	defer pace.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
		}
		id := fmt.Sprintf("%d-%d", writer, n)
		one, cancel := context.WithTimeout(ctx, ledgerPatience)
		_, err := l.collection().InsertOne(one, bson.D{{Key: "_id", Value: id}})
		cancel()
		l.mu.Lock()
		if err == nil {
			l.acknowledged = append(l.acknowledged, entry{id, time.Now()})
		} else if ctx.Err() == nil {
			l.lastError = err
		}
		l.mu.Unlock()
	}
}

// mark is how many writes have been acknowledged so far.
func (l *ledger) mark() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acknowledged)
}

// advanced answers nil once writes have been acknowledged after the mark.
func (l *ledger) advanced(mark int) error {
	const enough = 2 * ledgerWriters
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.acknowledged) < mark+enough {
		return errors.Join(fmt.Errorf("%d writes acknowledged", len(l.acknowledged)-mark), l.lastError)
	}
	return nil
}

// balance is what became of the writes that were acknowledged since a mark, and for how long at the
// most none was.
type balance struct {
	acknowledged, lost int
	longestGap         time.Duration
}

// balance reads everything that a majority holds and compares it with everything that was ever
// acknowledged: a loss may show late.
func (l *ledger) balance(ctx context.Context, mark int) (balance, error) {
	l.mu.Lock()
	acknowledged, asked := slices.Clip(l.acknowledged), time.Now()
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	majority := l.client.Load().Database("chatpdf", options.Database().SetReadConcern(readconcern.Majority())).Collection("ledger")
	cursor, err := majority.Find(ctx, bson.D{}, options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}}))
	if err != nil {
		return balance{}, fmt.Errorf("reading the ledger: %w", err)
	}
	var documents []struct {
		ID string `bson:"_id"`
	}
	if err := cursor.All(ctx, &documents); err != nil {
		return balance{}, fmt.Errorf("reading the ledger: %w", err)
	}
	there := make(map[string]bool, len(documents))
	for _, d := range documents {
		there[d.ID] = true
	}
	b := balance{acknowledged: len(acknowledged) - mark}
	if len(acknowledged) > 0 {
		b.longestGap = asked.Sub(acknowledged[len(acknowledged)-1].at)
	}
	for i, e := range acknowledged {
		if !there[e.id] {
			b.lost++
		}
		if i >= max(mark, 1) {
			b.longestGap = max(b.longestGap, e.at.Sub(acknowledged[i-1].at))
		}
	}
	return b, nil
}
