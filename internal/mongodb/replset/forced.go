package replset

import (
	"context"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"chatpdf.dev/operator/internal/mongodb"
)

// forceReconfiguration has one of the members that remain take a configuration of these alone; the others of them take it
// from it. The server raises the version far enough for members that come back to take it too.
func (w *watch) forceReconfiguration(ctx context.Context, step mongodb.Step) error {
	w.look(ctx)
	snapshot := w.latest()
	if snapshot.Primary != "" {
		return fmt.Errorf("%s is primary: nothing was forced; the next look decides anew", snapshot.Primary)
	}
	for _, host := range step.Healthy {
		if probe := snapshot.Probes[host]; !probe.Reached || !servesAs(probe.State) {
			return fmt.Errorf("%s does not serve any more (%s): nothing was forced; the next look decides anew", host, probe.State)
		}
	}
	for host, probe := range snapshot.Probes {
		if !slices.Contains(step.Healthy, host) && snapshot.Config.Holds(host) && !mongodb.MayBeLeftOut(probe) {
			return fmt.Errorf("%s answers (%s): nothing was forced; the next look decides anew", host, probe.State)
		}
	}
	s, err := w.currentSession(ctx)
	if err != nil {
		return err
	}
	client, err := s.direct(step.Host, s.self.Username, s.self.Password)
	if err != nil {
		return err
	}
	defer disconnect(client)
	config, err := readConfig(ctx, client, readpref.Nearest(), false)
	if err != nil {
		return err
	}
	if id := config.summary().ReplicaSetID; id != step.ReplicaSetID {
		return fmt.Errorf("%s belongs to replica set %s, not %s: nothing was forced; find out which one holds your data", step.Host, id, step.ReplicaSetID)
	}
	command := bson.D{{Key: "replSetReconfig", Value: config.next(only(step.Healthy))}, {Key: "force", Value: true}}
	if err := run(ctx, client, readpref.Nearest(), command, nil); err != nil {
		return fmt.Errorf("forcing a configuration on %s: %w", step.Host, err)
	}
	return nil
}
