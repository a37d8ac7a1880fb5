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

// awaitCaughtUp waits until each of the hosts is the primary, or has what the primary had a moment ago and
// is fetching more. A member that has just started is a secondary before it has found somebody to copy
// from: what is restarted or stepped down then leaves a majority that acknowledges nothing for seconds, or
// an election that nobody wins at once. Only what is seen at the end counts: a member that fails meanwhile
// has not caught up. The answer is the host that was primary then.
func (s *session) awaitCaughtUp(ctx context.Context, hosts []string) (primary string, err error) {
	set, err := readSet(ctx, s.client, readpref.Primary(), true)
	if err != nil {
		return "", err
	}
	goal := set.optime()
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	tick := time.NewTicker(catchUpPeriod)
	defer tick.Stop()
	for {
		behind := set.behind(hosts, goal)
		if behind == "" {
			return set.self, nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("%s has not caught up with the primary yet: nothing is restarted before it has", behind)
		case <-tick.C:
		}
		if set, err = readSet(ctx, s.client, readpref.Primary(), true); err != nil {
			return "", fmt.Errorf("%s has not caught up with the primary yet, which could not be asked again: %w", behind, err)
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

// secondaries are the hosts of the members that serve, but for the one that answered.
func (r *setReply) secondaries() []string {
	var hosts []string
	for _, m := range r.members {
		if !m.Self && m.State == string(mongodb.StateSecondary) && m.Health > 0 {
			hosts = append(hosts, m.Name)
		}
	}
	return hosts
}

// behind is the first of the hosts that is neither the primary that answered nor a secondary which is as
// far as the goal and fetches from somebody; empty if there is none.
func (r *setReply) behind(hosts []string, goal bson.Timestamp) string {
	for _, host := range hosts {
		fine := slices.ContainsFunc(r.members, func(m statusMember) bool {
			follows := m.State == string(mongodb.StateSecondary) && m.Health > 0 && !m.Optime.Timestamp.Before(goal) && m.SyncSource != ""
			return m.Name == host && (m.Self || follows)
		})
		if !fine {
			return host
		}
	}
	return ""
}
