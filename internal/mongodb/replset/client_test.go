package replset_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/podtest"
	"chatpdf.dev/operator/internal/mongodb/replset"
)

// connect logs in to the whole set, or to one host alone; without a user if it is empty.
func connect(t *testing.T, cluster *podtest.Cluster, hosts []string, username, password string) *mongo.Client {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cluster.CA)
	opts := options.Client().SetHosts(hosts).SetTLSConfig(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}).
		SetDialer(replset.DialFunc(cluster.Dial)).SetDisableOCSPEndpointCheck(true).SetWriteConcern(writeconcern.Majority())
	if len(hosts) == 1 {
		opts.SetDirect(true)
	} else {
		opts.SetReplicaSet("docs")
	}
	if username != "" {
		opts.SetAuth(options.Credential{AuthSource: "admin", Username: username, Password: password})
	}
	client, err := mongo.Connect(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Disconnect(context.Background()) }) //nolint:errcheck // nothing is in flight
	return client
}

func admin(t *testing.T, client *mongo.Client, command bson.D, reply any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	result := client.Database("admin").RunCommand(ctx, command)
	err := result.Err()
	if err == nil && reply != nil {
		err = result.Decode(reply)
	}
	if err != nil {
		t.Fatalf("%v: %v", command, err)
	}
}

// untilWritable waits until the member that the client speaks to is primary.
func untilWritable(t *testing.T, client *mongo.Client) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		var reply struct {
			Writable bool `bson:"isWritablePrimary"`
		}
		if admin(t, client, bson.D{{Key: "hello", Value: 1}}, &reply); reply.Writable {
			return
		}
	}
	t.Fatal("the member does not become primary")
}

func replicaSetID(t *testing.T, o *operator, i int) string {
	t.Helper()
	var reply struct {
		Config struct {
			Settings struct {
				ID bson.ObjectID `bson:"replicaSetId"`
			} `bson:"settings"`
		} `bson:"config"`
	}
	client := connect(t, o.cluster, []string{o.cluster.Pods[i].Host}, mongodb.AdminUsername, o.cluster.AdminPassword)
	admin(t, client, bson.D{{Key: "replSetGetConfig", Value: 1}}, &reply)
	return reply.Config.Settings.ID.Hex()
}

// writer inserts numbers with majority concern as the application's user, and remembers which
// inserts were acknowledged.
type writer struct {
	t          *testing.T
	collection *mongo.Collection
	stop       context.CancelFunc
	ended      chan struct{}

	mu    sync.Mutex
	acked []int
}

func startWriter(t *testing.T, o *operator) *writer {
	t.Helper()
	client := connect(t, o.cluster, o.cluster.Hosts(len(o.cluster.Pods)), "chatpdf-app", appPassword)
	ctx, stop := context.WithCancel(context.Background())
	w := &writer{t: t, collection: client.Database("chatpdf").Collection(t.Name()), stop: stop, ended: make(chan struct{})}
	go w.write(ctx)
	t.Cleanup(func() { stop(); <-w.ended })
	return w
}

func (w *writer) write(ctx context.Context) {
	defer close(w.ended)
	for i := 0; ctx.Err() == nil; i++ {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, err := w.collection.InsertOne(attempt, bson.D{{Key: "_id", Value: i}})
		cancel()
		if err == nil {
			w.mu.Lock()
			w.acked = append(w.acked, i)
			w.mu.Unlock()
		}
	}
}

func (w *writer) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.acked)
}

// verify ends the writer and fails if anything that was acknowledged is not there.
func (w *writer) verify() {
	w.t.Helper()
	w.stop()
	<-w.ended
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	majority := w.collection.Database().Collection(w.collection.Name(), options.Collection().SetReadConcern(readconcern.Majority()))
	cursor, err := majority.Find(ctx, bson.D{})
	if err != nil {
		w.t.Fatal(err)
	}
	var found []struct {
		ID int `bson:"_id"`
	}
	if err := cursor.All(ctx, &found); err != nil {
		w.t.Fatal(err)
	}
	present := map[int]bool{}
	for _, f := range found {
		present[f.ID] = true
	}
	lost := slices.DeleteFunc(slices.Clone(w.acked), func(i int) bool { return present[i] })
	w.t.Logf("acknowledged %d lost %d", len(w.acked), len(lost))
	if len(lost) > 0 || len(w.acked) == 0 {
		w.t.Fatalf("lost %v of %d acknowledged writes", lost, len(w.acked))
	}
}

// untilNoOperator waits until the server has no connection of the operator's any more.
func (o *operator) untilNoOperator(client *mongo.Client) {
	o.t.Helper()
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		var reply struct {
			Open []struct {
				App string `bson:"appName"`
			} `bson:"inprog"`
		}
		admin(o.t, client, bson.D{{Key: "currentOp", Value: 1}, {Key: "$all", Value: true}, {Key: "appName", Value: "chatpdf-operator"}}, &reply)
		if len(reply.Open) == 0 {
			return
		}
	}
	o.t.Fatal("the operator's connections stay open")
}
