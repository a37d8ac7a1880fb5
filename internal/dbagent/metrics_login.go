package dbagent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

var (
	errNoUser  = errors.New("the mounted Secret with the user for metrics is of no use")
	errRefused = errors.New("mongod refuses the user for metrics: it does not exist yet, or has another password than the mounted Secret")
)

// login asks the mongod of this pod as the metrics user, over one client that it keeps: one
// connection for the questions, and the driver's own for watching the server. One goroutine at a
// time may use it.
type login struct {
	address  string
	files    *Files
	client   *mongo.Client
	username string // of the client
}

// idleTime is how long a connection is kept that no scrape uses: it would keep a user from being removed whose
// place another one has taken.
const idleTime = 5 * time.Minute

// prove asks something that needs the user. A kept client that gets no answer is made anew once,
// with the user and the CA that the mounted Secrets hold now: mongod may have been restarted, and
// each of them may have been rotated. A client that kept its login needs no new one until then, so
// that it does not matter whether the Secret or the database has the new password first. Another user in
// the Secret is taken up at once, so that the one before can be removed.
func (l *login) prove(ctx context.Context, command bson.D) (bson.Raw, error) {
	if reply, took := l.takeOver(ctx, command); took {
		return reply, nil
	}
	if l.client != nil {
		if reply, err := l.ask(ctx, "admin", command); err == nil {
			return reply, nil
		}
		l.drop(ctx)
	}
	if err := l.connect(); err != nil {
		return nil, err
	}
	reply, err := l.ask(ctx, "admin", command)
	if err != nil {
		l.drop(ctx)
		return nil, err
	}
	return reply, nil
}

// takeOver changes to the user that the mounted Secret names now, if that is another one and can log in.
func (l *login) takeOver(ctx context.Context, command bson.D) (bson.Raw, bool) {
	username, _, err := l.files.Metrics()
	if l.client == nil || err != nil || username == l.username {
		return nil, false
	}
	next := &login{address: l.address, files: l.files}
	if next.connect() != nil {
		return nil, false
	}
	reply, err := next.ask(ctx, "admin", command)
	if err != nil {
		next.drop(ctx)
		return nil, false
	}
	l.drop(ctx)
	l.client, l.username = next.client, next.username
	return reply, true
}

// ask runs one command. The driver has mongod give it up when the context ends.
func (l *login) ask(ctx context.Context, database string, command bson.D) (bson.Raw, error) {
	reply, err := l.client.Database(database).RunCommand(ctx, command).Raw()
	switch {
	case hasCode(err, codeAuthenticationFailed):
		return nil, errRefused
	case err != nil:
		return nil, fmt.Errorf("asking mongod for %s: %w", command[0].Key, err)
	}
	return reply, nil
}

func (l *login) connect() error {
	username, password, err := l.files.Metrics()
	if err != nil {
		return fmt.Errorf("%w: %w", errNoUser, err)
	}
	l.client, err = mongo.Connect(options.Client().
		SetAppName("dbagent").
		SetHosts([]string{l.address}).
		SetDirect(true).
		SetTLSConfig(l.files.Loopback()).
		SetDisableOCSPEndpointCheck(true).
		SetConnectTimeout(scrapeTimeout).
		SetServerSelectionTimeout(scrapeTimeout).
		// Otherwise the driver would keep a third connection to measure round trips.
		SetServerMonitoringMode(options.ServerMonitoringModePoll).
		SetMaxPoolSize(1).
		SetMaxConnIdleTime(idleTime).
		SetAuth(options.Credential{AuthSource: "admin", Username: username, Password: password}))
	if err != nil {
		// The driver's own words may quote a character of the password.
		return fmt.Errorf("%w: it holds a username or password that MongoDB does not take", errNoUser)
	}
	l.username = username
	return nil
}

// drop closes the client, and what is in flight when the context ends.
func (l *login) drop(ctx context.Context) {
	if l.client != nil {
		l.client.Disconnect(ctx) //nolint:errcheck // what could not be closed in time is closed by the server
		l.client = nil
	}
}
