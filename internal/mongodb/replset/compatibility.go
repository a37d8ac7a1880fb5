package replset

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"chatpdf.dev/operator/internal/mongodb"
)

// compatibility is what the data may hold, and what they are being raised to if that was begun.
type compatibility struct{ data, raising mongodb.Series }

// featureCompatibility keeps what was last known while the primary cannot say.
func (s *session) featureCompatibility(ctx context.Context) compatibility {
	var reply struct {
		FeatureCompatibility struct {
			Version string `bson:"version"`
			Target  string `bson:"targetVersion"`
		} `bson:"featureCompatibilityVersion"`
	}
	command := bson.D{{Key: "getParameter", Value: 1}, {Key: "featureCompatibilityVersion", Value: 1}}
	if err := run(ctx, s.client, readpref.Primary(), command, &reply); err == nil {
		if series := mongodb.ParseSeries(reply.FeatureCompatibility.Version); series.Known() {
			s.compatibility = compatibility{series, mongodb.ParseSeries(reply.FeatureCompatibility.Target)}
		}
	}
	return s.compatibility
}

// raiseTimeout bounds one try to raise the feature compatibility: the server waits for operations that
// run, and goes through the whole catalogue. A try that is cut short is gone on with by the next.
const raiseTimeout = time.Minute

// wireVersion70 is what MongoDB 7.0 speaks: since then it insists that whoever raises the feature
// compatibility confirms to know that there is no way back.
const wireVersion70 = 21

func (s *session) raiseFeatureCompatibility(ctx context.Context, step mongodb.Step) error {
	if _, err := s.configFor(ctx, step); err != nil {
		return err
	}
	wire, err := s.wireVersion(ctx)
	if err != nil {
		return fmt.Errorf("asking the primary which version it speaks: %w", err)
	}
	command := bson.D{
		{Key: "setFeatureCompatibilityVersion", Value: step.FeatureCompatibility.String()},
		{Key: "writeConcern", Value: bson.D{{Key: "w", Value: "majority"}}},
	}
	if wire >= wireVersion70 {
		command = append(command, bson.E{Key: "confirm", Value: true})
	}
	ctx, cancel := context.WithTimeout(ctx, raiseTimeout)
	defer cancel()
	if err := s.client.Database("admin").RunCommand(ctx, command, options.RunCmd().SetReadPreference(readpref.Primary())).Err(); err != nil {
		return fmt.Errorf("raising the feature compatibility to %s: %w", step.FeatureCompatibility, err)
	}
	return nil
}

func (s *session) wireVersion(ctx context.Context) (int, error) {
	var reply struct {
		MaxWireVersion int `bson:"maxWireVersion"`
	}
	err := run(ctx, s.client, readpref.Primary(), bson.D{{Key: "hello", Value: 1}}, &reply)
	return reply.MaxWireVersion, err
}
