// Package hello asks one mongod one question: hello.
//
// It needs no user, costs the server nothing, and is answered in every state of a member, from a
// volume that was never initiated to initial sync. A whole MongoDB client would monitor, pool and
// reconnect; probes want one exchange on one connection.
package hello

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Reply is what a member says of itself.
type Reply struct {
	OK                float64 `bson:"ok"`
	ErrorMessage      string  `bson:"errmsg"`
	IsWritablePrimary bool    `bson:"isWritablePrimary"`
	Secondary         bool    `bson:"secondary"`
	ArbiterOnly       bool    `bson:"arbiterOnly"`
	// IsReplicaSet is set by a member that was started for a replica set and has no configuration.
	IsReplicaSet bool `bson:"isreplicaset"`
	// SetName is empty without a configuration.
	SetName string `bson:"setName"`
	// Me is the member's own host in the configuration.
	Me string `bson:"me"`
	// Mechanisms are how the user that was asked about may log in; none if the server does not
	// know the user.
	Mechanisms []string `bson:"saslSupportedMechs"`
	// MaxWireVersion is the newest protocol that the server speaks, which tells its version.
	MaxWireVersion int `bson:"maxWireVersion"`
	// ServerConnectionID is the server's number for this connection.
	ServerConnectionID int64 `bson:"connectionId"`
}

// ErrRefused is what a server that refuses to say hello is answered with; its own words are behind it.
var ErrRefused = errors.New("the server refused it")

const (
	headerLength = 16
	opMsg        = 2013
	// maxReply bounds what is read of a server that is none; a hello is about 1 kB.
	maxReply = 1 << 20
)

// Ask sends one hello over conn and reads the answer. With a user, as "database.name", the answer
// says whether the server knows that user. The context's deadline bounds the exchange; after an
// error the connection is of no use.
func Ask(ctx context.Context, conn net.Conn, user string) (Reply, error) {
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return Reply{}, fmt.Errorf("setting the deadline of a hello: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) }) //nolint:errcheck // a closed connection needs no deadline
	defer stop()
	if err := send(conn, user); err != nil {
		return Reply{}, fmt.Errorf("sending hello: %w", err)
	}
	reply, err := receive(conn)
	if err != nil {
		return Reply{}, fmt.Errorf("reading the answer to hello: %w", err)
	}
	return reply, nil
}

// Once connects, asks, and closes the connection.
func Once(ctx context.Context, dial func(context.Context, string, string) (net.Conn, error), address string, config *tls.Config, user string) (Reply, error) {
	conn, err := Connect(ctx, dial, address, config)
	if err != nil {
		return Reply{}, err
	}
	defer conn.Close()
	return Ask(ctx, conn, user)
}

// Connect dials the address and completes the TLS handshake within the context.
func Connect(ctx context.Context, dial func(context.Context, string, string) (net.Conn, error), address string, config *tls.Config) (net.Conn, error) {
	plain, err := dial(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", address, err)
	}
	conn := tls.Client(plain, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		plain.Close()
		return nil, fmt.Errorf("TLS handshake with %s: %w", address, err)
	}
	return conn, nil
}

func send(w io.Writer, user string) error {
	command := bson.D{{Key: "hello", Value: 1}, {Key: "$db", Value: "admin"}}
	if user != "" {
		command = append(command, bson.E{Key: "saslSupportedMechs", Value: user})
	}
	body, err := bson.Marshal(command)
	if err != nil {
		return err
	}
	length := headerLength + 4 + 1 + len(body)
	message := make([]byte, headerLength+4+1, length)
	binary.LittleEndian.PutUint32(message[0:], uint32(length))
	binary.LittleEndian.PutUint32(message[4:], 1) // request id; one question at a time needs no other
	binary.LittleEndian.PutUint32(message[12:], opMsg)
	_, err = w.Write(append(message, body...))
	return err
}

func receive(r io.Reader) (Reply, error) {
	var start [headerLength + 4 + 1]byte
	if _, err := io.ReadFull(r, start[:]); err != nil {
		return Reply{}, err
	}
	length := int(binary.LittleEndian.Uint32(start[0:]))
	if binary.LittleEndian.Uint32(start[12:]) != opMsg || start[headerLength+4] != 0 || length <= len(start) || length > maxReply {
		return Reply{}, errors.New("the server does not speak MongoDB's protocol")
	}
	body := make([]byte, length-len(start))
	if _, err := io.ReadFull(r, body); err != nil {
		return Reply{}, err
	}
	var reply Reply
	if err := bson.Unmarshal(body, &reply); err != nil {
		return Reply{}, fmt.Errorf("decoding: %w", err)
	}
	if reply.OK != 1 {
		return Reply{}, fmt.Errorf("%w: %s", ErrRefused, reply.ErrorMessage)
	}
	return reply, nil
}
