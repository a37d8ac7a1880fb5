package replset

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
)

// diskUse notes how full the file system of the primary's volume is, as the server itself sees it. What was last
// known stays while it cannot say, or has stopped because nothing is left.
func (s *session) diskUse(ctx context.Context) {
	var reply struct {
		Used  float64 `bson:"fsUsedSize"`
		Total float64 `bson:"fsTotalSize"`
	}
	if err := run(ctx, s.client, readpref.Primary(), bson.D{{Key: "dbStats", Value: 1}}, &reply); err == nil && reply.Total > 0 {
		s.disk = s.disk.Next(reply.Used, reply.Total)
	}
}
