package mongodtest

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// initiate makes the members a replica set, waits for its primary and creates the first user.
func (rs *ReplicaSet) initiate(ctx context.Context) error {
	members := bson.A{}
	for i, m := range rs.Members {
		members = append(members, bson.M{"_id": i, "host": m.Address})
	}
	// Without chaining a secondary that a test holds up holds up nobody else.
	config := bson.M{"_id": rs.Name, "members": members,
		"settings": bson.M{"electionTimeoutMillis": 2000, "heartbeatIntervalMillis": 500, "chainingAllowed": false}}
	direct := options.Client().ApplyURI(rs.URIFor("", "", "")).SetHosts([]string{rs.Members[0].Address}).SetDirect(true)
	direct.ReplicaSet = nil
	if err := adminCommand(ctx, direct, bson.D{{Key: "replSetInitiate", Value: config}}); err != nil {
		return fmt.Errorf("initiating the replica set: %w", err)
	}
	// Until a user exists, connections from localhost may do anything without one. The driver
	// waits until a primary takes writes.
	primary := options.Client().ApplyURI(rs.URIFor("", "", "")).SetServerSelectionTimeout(startTimeout)
	if rs.Username == "" {
		return adminCommand(ctx, primary, bson.D{{Key: "ping", Value: 1}})
	}
	create := bson.D{{Key: "createUser", Value: rs.Username}, {Key: "pwd", Value: rs.Password},
		{Key: "roles", Value: bson.A{"root"}}, {Key: "writeConcern", Value: bson.M{"w": "majority"}}}
	if err := adminCommand(ctx, primary, create); err != nil {
		return fmt.Errorf("creating the first user: %w", err)
	}
	return nil
}

func adminCommand(ctx context.Context, o *options.ClientOptions, command bson.D) error {
	client, err := mongo.Connect(o)
	if err != nil {
		return err
	}
	defer client.Disconnect(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is in flight
	return client.Database("admin").RunCommand(ctx, command).Err()
}
