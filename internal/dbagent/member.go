package dbagent

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"chatpdf.dev/operator/internal/mongodb/hello"
)

// helloTimeout bounds one question to mongod.
const helloTimeout = 3 * time.Second

// Member asks the mongod of this pod over one connection that it keeps.
type Member struct {
	address string
	files   *Files

	mu   sync.Mutex
	conn net.Conn
}

// NewMember speaks to the mongod at the address, which is on loopback.
func NewMember(address string, files *Files) *Member {
	return &Member{address: address, files: files}
}

// Hello asks once, 3 seconds at most. With a user, as "database.name", the answer says whether
// mongod knows that user. A kept connection that turns out to be closed is made anew once.
func (m *Member) Hello(ctx context.Context, user string) (hello.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conn != nil {
		reply, err := hello.Ask(ctx, m.conn, user)
		if err == nil {
			return reply, nil
		}
		m.drop()
	}
	conn, err := hello.Connect(ctx, (&net.Dialer{}).DialContext, m.address, m.files.Loopback())
	if err != nil {
		return hello.Reply{}, fmt.Errorf("asking mongod: %w", err)
	}
	m.conn = conn
	reply, err := hello.Ask(ctx, conn, user)
	if err != nil {
		m.drop()
		return hello.Reply{}, fmt.Errorf("asking mongod: %w", err)
	}
	return reply, nil
}

// Close gives the connection up.
func (m *Member) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop()
}

func (m *Member) drop() {
	if m.conn != nil {
		m.conn.Close()
		m.conn = nil
	}
}

// State is what a hello says of the member: primary, secondary, arbiter, unconfigured (never
// initiated, or taken out of its set), or other (starting, copying, recovering, rolling back).
func State(reply hello.Reply) string {
	switch {
	case reply.IsWritablePrimary:
		return "primary"
	case reply.Secondary:
		return "secondary"
	case reply.ArbiterOnly:
		return "arbiter"
	case reply.IsReplicaSet:
		return "unconfigured"
	}
	return "other"
}
