package replset

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"chatpdf.dev/operator/internal/mongodb"
)

const (
	// catchUpTimeout is how long to wait for members that are about to have caught up. One that copies
	// everything takes longer: then the step is taken later.
	catchUpTimeout = 15 * time.Second
	catchUpPeriod  = 200 * time.Millisecond
)

// awaitCaughtUp waits until every other member that serves has what the primary had a moment ago, and is
// fetching more. A member that has just started is a secondary before it has found somebody to copy from:
// what is restarted or stepped down then leaves a majority that acknowledges nothing for seconds, or an
// election that nobody wins at once.
func (s *session) awaitCaughtUp(ctx context.Context) error {
	set, err := readSet(ctx, s.client, readpref.Primary(), true)
	if err != nil {
		return err
	}
	goal := set.optime()
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	tick := time.NewTicker(catchUpPeriod)
	defer tick.Stop()
	for {
		behind := set.behind(goal)
		if behind == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s has not caught up with the primary yet: nothing is restarted before it has", behind)
		case <-tick.C:
		}
		if set, err = readSet(ctx, s.client, readpref.Primary(), true); err != nil {
			return err
		}
	}
}

// optime is how far the member that answered is.
func (r *setReply) optime() bson.Timestamp {
	for _, m := range r.members {
		if m.Self {
			return m.Optime.Timestamp
		}
	}
	return bson.Timestamp{}
}

// behind is a secondary that is not as far as the goal, or fetches from nobody; empty if there is none.
func (r *setReply) behind(goal bson.Timestamp) string {
	i := slices.IndexFunc(r.members, func(m statusMember) bool {
		serves := m.State == string(mongodb.StateSecondary) && m.Health > 0
		return serves && !m.Self && (m.Optime.Timestamp.Before(goal) || m.SyncSource == "")
	})
	if i < 0 {
		return ""
	}
	return r.members[i].Name
}
