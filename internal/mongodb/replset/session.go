package replset

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"chatpdf.dev/operator/internal/mongodb"
)

// callTimeout bounds every call to a member.
const callTimeout = 3 * time.Second

// session is one client of one replica set.
type session struct {
	target      Target
	credentials Credentials
	// self is the user that it logs in as.
	self     Login
	client   *mongo.Client
	topology atomic.Pointer[event.TopologyDescription]

	// Only the goroutine that holds watch.looking touches what follows.

	// loggedIn says that the client has logged in: from then on the driver's monitoring tells
	// about the members that serve.
	loggedIn bool
	// accounts is what was last known of the users that the operator makes, by purpose.
	accounts map[string]accountState
	// retired are the users whose place another one has taken, as last known.
	retired []mongodb.RetiredUser
	// reports are what members' agents said last, by host.
	reports map[string]mongodb.Report
	// disk is how full the primary's was last.
	disk mongodb.Disk
	// compatibility is what was last known of the data's feature compatibility.
	compatibility compatibility
}

// open makes a client that follows the whole set. It reaches nobody yet: the driver does so in
// the background, and calls changed whenever the topology differs.
//
// With next it logs in with the operator's next password, if there is one.
func open(ctx context.Context, target Target, next bool, changed func()) (*session, error) {
	credentials, err := target.Credentials(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the credentials of the database: %w", err)
	}
	self := credentials.Admin.Login
	if next && credentials.hasNextAdmin() {
		self.Password = credentials.Admin.Next.Password
	}
	s := &session{target: target, credentials: credentials, self: self, accounts: map[string]accountState{}, reports: map[string]mongodb.Report{}}
	opts, err := clientOptions(target, self.Username, self.Password)
	if err != nil {
		return nil, err
	}
	opts.SetHosts(target.Hosts).SetReplicaSet(target.ReplicaSet).SetServerMonitor(&event.ServerMonitor{
		TopologyDescriptionChanged: func(e *event.TopologyDescriptionChangedEvent) {
			description := e.NewDescription
			s.topology.Store(&description)
			changed()
		},
	})
	if s.client, err = mongo.Connect(opts); err != nil {
		return nil, fmt.Errorf("making a database client: %w", err)
	}
	return s, nil
}

// direct makes a client of one member alone, for one question. The caller disconnects it.
func (s *session) direct(host, username, password string) (*mongo.Client, error) {
	opts, err := clientOptions(s.target, username, password)
	if err != nil {
		return nil, err
	}
	client, err := mongo.Connect(opts.SetHosts([]string{host}).SetDirect(true))
	if err != nil {
		return nil, fmt.Errorf("making a client of %s: %w", host, err)
	}
	return client, nil
}

func (s *session) close() {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	s.client.Disconnect(ctx) //nolint:errcheck // what could not be closed in time is closed by the server
}

func clientOptions(target Target, username, password string) (*options.ClientOptions, error) {
	tlsConfig, err := target.tls()
	if err != nil {
		return nil, err
	}
	return options.Client().
		SetAppName("chatpdf-operator").
		SetAuth(options.Credential{AuthSource: "admin", Username: username, Password: password}).
		SetTLSConfig(tlsConfig).
		SetDisableOCSPEndpointCheck(true).
		SetDialer(target.dial()).
		SetConnectTimeout(callTimeout).
		SetServerSelectionTimeout(callTimeout).
		SetMaxPoolSize(2), nil
}

// run sends a command to the database admin of a member that the preference selects.
func run(ctx context.Context, client *mongo.Client, to *readpref.ReadPref, command bson.D, reply any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	result := client.Database("admin").RunCommand(ctx, command, options.RunCmd().SetReadPreference(to))
	if reply == nil {
		return result.Err()
	}
	return result.Decode(reply)
}
