package mongodtest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"chatpdf.dev/operator/internal/mongodtest"
)

func TestAStartedReplicaSetTakesMajorityWrites(t *testing.T) {
	for name, o := range map[string]mongodtest.Options{
		"one member":                      {},
		"three members with auth and TLS": {Members: 3, Auth: true, TLS: true},
	} {
		t.Run(name, func(t *testing.T) {
			rs := mongodtest.Start(t, o)
			write(t, rs)
		})
	}
}

func TestAKilledMemberComesBackWithItsData(t *testing.T) {
	rs := mongodtest.Start(t, mongodtest.Options{Auth: true})
	write(t, rs)
	rs.Members[0].Kill()
	rs.Members[0].Restart(t)
	write(t, rs)
}

func TestUninitiatedMembersWaitForTheTest(t *testing.T) {
	rs := mongodtest.Start(t, mongodtest.Options{Uninitiated: true})
	client := connect(t, options.Client().ApplyURI("mongodb://"+rs.Members[0].Address).SetDirect(true))
	err := client.Database("admin").RunCommand(t.Context(), bson.M{"replSetGetStatus": 1}).Err()
	const notYetInitialized = 94
	if e, ok := errors.AsType[mongo.CommandError](err); !ok || e.Code != notYetInitialized {
		t.Fatalf("replSetGetStatus: %v, want NotYetInitialized", err)
	}
}

func write(t *testing.T, rs *mongodtest.ReplicaSet) {
	t.Helper()
	client := connect(t, options.Client().ApplyURI(rs.URI).SetWriteConcern(writeconcern.Majority()))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := client.Database("d").Collection("c").InsertOne(ctx, bson.M{"a": 1}); err != nil {
		t.Fatalf("writing: %v\n%s", err, rs.Members[0].Log())
	}
}

func connect(t *testing.T, o *options.ClientOptions) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Disconnect(context.Background()) }) //nolint:errcheck // nothing is in flight
	return client
}
