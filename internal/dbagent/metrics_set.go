package dbagent

import (
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

var (
	familyMemberHealth = newGauge("set_member_health", "1 if this member hears from the member, else 0.", "member")
	familyMemberState  = newGauge("set_member_state",
		"1 for the state that the member is in, as this member sees it: startup, primary, secondary, recovering, startup2, unknown, arbiter, down, rollback or removed.",
		"member", "state")
	familyMemberPing = newGauge("set_member_ping_seconds", "How long a heartbeat to the member takes there and back.", "member")
	familyLag        = newGauge("replication_lag_seconds",
		"How far the member is behind the primary, as this member sees both. In an idle set it may be up to 10, the period of the primary's own writes. Absent while the primary or the member is not seen.",
		"member")
	familyTerm = newGauge("set_term", "The election term: grows with every election of the set.")
)

// setStatus is the answer to replSetGetStatus.
type setStatus struct {
	Term    *int64      `bson:"term"`
	Members []setMember `bson:"members"`
}

type setMember struct {
	Name   string    `bson:"name"`
	Health float64   `bson:"health"`
	State  int32     `bson:"state"`
	Optime time.Time `bson:"optimeDate"`
	PingMS *int64    `bson:"pingMs"`
}

const (
	statePrimary = 1
	stateArbiter = 7
)

// stateName is the word for a number of the server
// (https://www.mongodb.com/docs/manual/reference/replica-states/).
func stateName(state int32) string {
	names := []string{"startup", "primary", "secondary", "recovering", "unknown", "startup2", "unknown", "arbiter", "down", "rollback", "removed"}
	if state < 0 || int(state) >= len(names) {
		return "unknown"
	}
	return names[state]
}

// emitSet emits how this member sees all members of its set.
func (e emitter) emitSet(reply bson.Raw) error {
	var status setStatus
	if err := bson.Unmarshal(reply, &status); err != nil {
		return fmt.Errorf("decoding the status of the replica set: %w", err)
	}
	if status.Term != nil {
		e.number(familyTerm, float64(*status.Term))
	}
	primary := time.Time{}
	for _, member := range status.Members {
		e.number(familyMemberHealth, member.Health, member.Name)
		e.number(familyMemberState, 1, member.Name, stateName(member.State))
		if member.PingMS != nil {
			e.number(familyMemberPing, float64(*member.PingMS)*milli, member.Name)
		}
		if member.State == statePrimary && member.Optime.After(primary) {
			primary = member.Optime
		}
	}
	for _, member := range status.Members {
		if lag, known := member.behind(primary); known {
			e.number(familyLag, lag.Seconds(), member.Name)
		}
	}
	return nil
}

// behind is how much the primary has written that the member has not. A member that was never heard
// of has the time 0.
func (m setMember) behind(primary time.Time) (lag time.Duration, known bool) {
	if primary.IsZero() || m.Optime.Unix() <= 0 || m.Health != 1 || m.State == statePrimary || m.State == stateArbiter {
		return 0, false
	}
	return max(0, primary.Sub(m.Optime)), true
}
