package dbagent

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"chatpdf.dev/operator/internal/dbagent/protocol"
	"chatpdf.dev/operator/internal/mongodb/hello"
)

const (
	// bootstrapTimeout is below the operator's own limit of a minute, so that it hears the reason.
	bootstrapTimeout = 50 * time.Second
	// pollPeriod is how often mongod is asked whether it takes writes yet: an election of a set of
	// one takes less than a second.
	pollPeriod = 100 * time.Millisecond
)

// Self is who this member is.
type Self struct {
	// PodUID of this pod.
	PodUID string
	// MemberHost is this member's host in the configuration, with port.
	MemberHost string
	// ReplicaSet is the set's name.
	ReplicaSet string
}

// refusal is an error with the status to answer.
type refusal struct {
	status int
	reason string
}

func (r refusal) Error() string { return r.reason }

func conflict(format string, args ...any) error {
	return refusal{http.StatusConflict, fmt.Sprintf(format, args...)}
}

func notYet(format string, args ...any) error {
	return refusal{http.StatusServiceUnavailable, fmt.Sprintf(format, args...)}
}

// bootstrapper initiates this member's replica set.
type bootstrapper struct {
	self    Self
	address string
	files   *Files
	member  *Member
}

// run makes this member the first of its set, as far as it is not. Every step finds out first
// whether it was taken before, so that it may be cut off anywhere and run again.
func (b *bootstrapper) run(ctx context.Context, request protocol.BootstrapRequest) (protocol.BootstrapReply, error) {
	if err := b.isMe(request); err != nil {
		return protocol.BootstrapReply{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, bootstrapTimeout)
	defer cancel()
	username, password, err := b.files.Admin()
	if err != nil {
		return protocol.BootstrapReply{}, notYet("%s", err)
	}
	reply, err := b.member.Hello(ctx, "admin."+username)
	if err != nil {
		return protocol.BootstrapReply{}, notYet("mongod does not answer yet: %s", err)
	}
	if reply.IsReplicaSet {
		if len(reply.Mechanisms) > 0 {
			return protocol.BootstrapReply{}, notYet("the volume holds a database whose replica set configuration is not loaded, or names other members: it is not initiated again")
		}
		if err := b.initiate(ctx); err != nil {
			return protocol.BootstrapReply{}, err
		}
	}
	if reply, err = b.writable(ctx, username); err != nil {
		return protocol.BootstrapReply{}, err
	}
	if len(reply.Mechanisms) == 0 {
		if err := b.createAdmin(ctx, username, password); err != nil {
			return protocol.BootstrapReply{}, err
		}
	}
	return b.prove(ctx, username, password)
}

func (b *bootstrapper) isMe(request protocol.BootstrapRequest) error {
	switch {
	case request.PodUID != b.self.PodUID:
		return conflict("this is pod %s, not %s", b.self.PodUID, request.PodUID)
	case request.MemberHost != b.self.MemberHost:
		return conflict("this is member %s, not %s", b.self.MemberHost, request.MemberHost)
	case request.ReplicaSet != b.self.ReplicaSet:
		return conflict("this member is of replica set %s, not %s", b.self.ReplicaSet, request.ReplicaSet)
	}
	return nil
}

// initiate makes a set of this member alone. mongod allows it from loopback for as long as it has
// no user.
func (b *bootstrapper) initiate(ctx context.Context) error {
	config := bson.D{
		{Key: "_id", Value: b.self.ReplicaSet},
		{Key: "members", Value: bson.A{bson.D{{Key: "_id", Value: 0}, {Key: "host", Value: b.self.MemberHost}}}},
	}
	err := b.command(ctx, nil, bson.D{{Key: "replSetInitiate", Value: config}}, nil)
	switch {
	case err == nil, hasCode(err, codeAlreadyInitialized):
		return nil
	case hasCode(err, codeInvalidReplicaSetConfig), hasCode(err, codeNodeNotFound):
		return notYet("mongod does not find itself under its name %s yet: the name may not resolve so early (%s)", b.self.MemberHost, err)
	case hasCode(err, codeUnauthorized):
		return conflict("mongod refuses to be initiated: its volume holds users already")
	}
	return notYet("initiating the replica set: %s", err)
}

// writable waits until this member is a primary that takes writes, of the right set and under its
// own name.
func (b *bootstrapper) writable(ctx context.Context, username string) (hello.Reply, error) {
	ticker := time.NewTicker(pollPeriod)
	defer ticker.Stop()
	for {
		reply, err := b.member.Hello(ctx, "admin."+username)
		switch {
		case err == nil && reply.SetName != "" && reply.SetName != b.self.ReplicaSet:
			return reply, conflict("the volume holds replica set %s, not %s", reply.SetName, b.self.ReplicaSet)
		case err == nil && reply.Me != "" && reply.Me != b.self.MemberHost:
			return reply, conflict("the volume belongs to member %s, not %s", reply.Me, b.self.MemberHost)
		case err == nil && reply.IsWritablePrimary:
			return reply, nil
		}
		select {
		case <-ctx.Done():
			if err != nil {
				return reply, notYet("mongod does not answer: %s", err)
			}
			return reply, notYet("mongod is %s, not primary yet", State(reply))
		case <-ticker.C:
		}
	}
}

// createAdmin makes the first user, which closes mongod's exception for loopback. A majority has
// to hold it, so that it is not rolled back.
func (b *bootstrapper) createAdmin(ctx context.Context, username, password string) error {
	err := b.command(ctx, nil, bson.D{
		{Key: "createUser", Value: username},
		{Key: "pwd", Value: password},
		{Key: "roles", Value: bson.A{bson.D{{Key: "role", Value: "root"}, {Key: "db", Value: "admin"}}}},
		{Key: "writeConcern", Value: bson.D{{Key: "w", Value: "majority"}}},
	}, nil)
	switch {
	case err == nil, hasCode(err, codeUserExists):
		return nil
	case hasCode(err, codeUnauthorized):
		return conflict("the volume holds users, but not %s: it was not made for this database", username)
	}
	return notYet("creating the user %s: %s", username, err)
}

// prove logs in with the password and reads the id of the set.
func (b *bootstrapper) prove(ctx context.Context, username, password string) (protocol.BootstrapReply, error) {
	var reply struct {
		Config struct {
			Name     string `bson:"_id"`
			Settings struct {
				ReplicaSetID bson.ObjectID `bson:"replicaSetId"`
			} `bson:"settings"`
		} `bson:"config"`
	}
	credential := &options.Credential{AuthSource: "admin", Username: username, Password: password}
	err := b.command(ctx, credential, bson.D{{Key: "replSetGetConfig", Value: 1}}, &reply)
	switch {
	case hasCode(err, codeAuthenticationFailed):
		return protocol.BootstrapReply{}, conflict("the database refuses the password of %s: the Secret is not the one that was there when the volume was made", username)
	case err != nil:
		return protocol.BootstrapReply{}, notYet("reading the replica set configuration: %s", err)
	case reply.Config.Settings.ReplicaSetID.IsZero():
		return protocol.BootstrapReply{}, notYet("the replica set configuration has no id")
	}
	return protocol.BootstrapReply{ReplicaSetID: reply.Config.Settings.ReplicaSetID.Hex()}, nil
}

func (b *bootstrapper) command(ctx context.Context, credential *options.Credential, command bson.D, reply any) error {
	return runOn(ctx, b.address, b.files.Loopback(), credential, command, reply)
}

// runOn runs one command on the mongod of this pod over a client of its own: a client cannot change
// who it is.
func runOn(ctx context.Context, address string, config *tls.Config, credential *options.Credential, command bson.D, reply any) error {
	opts := options.Client().
		SetAppName("dbagent").
		SetHosts([]string{address}).
		SetDirect(true).
		SetTLSConfig(config).
		SetDisableOCSPEndpointCheck(true).
		SetConnectTimeout(helloTimeout).
		SetServerSelectionTimeout(helloTimeout).
		SetMaxPoolSize(1)
	if credential != nil {
		opts.SetAuth(*credential)
	}
	client, err := mongo.Connect(opts)
	if err != nil {
		return err
	}
	defer client.Disconnect(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is in flight
	result := client.Database("admin").RunCommand(ctx, command)
	if reply == nil {
		return result.Err()
	}
	return result.Decode(reply)
}

// Error codes of the server (https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml).
const (
	codeUnauthorized            = 13
	codeAuthenticationFailed    = 18
	codeAlreadyInitialized      = 23
	codeNodeNotFound            = 74
	codeInvalidReplicaSetConfig = 93
	codeUserExists              = 51003
)

func hasCode(err error, code int) bool {
	var server mongo.ServerError
	return errors.As(err, &server) && server.HasErrorCode(code)
}
