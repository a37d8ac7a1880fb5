package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"chatpdf.dev/operator/app/chatpdf"
)

// Lease is the right of one worker to take in one document. It is lost when the worker does not
// renew it in time and another one claims the job, or when the document is deleted.
type Lease struct {
	Document chatpdf.Document
	Attempt  int // of this claim; never given twice
	Failed   int // earlier attempts that ended without a result
	file     bson.ObjectID
	holder   string
}

// ClaimJob gives holder the job of the oldest document that waits, for the time given. It returns nil if no
// job is due: all are done, delayed, or held by workers that renew their leases.
func (s *Store) ClaimJob(ctx context.Context, holder string, lease time.Duration) (*Lease, error) {
	filter := bson.M{
		"state": bson.M{"$in": bson.A{chatpdf.DocumentQueued, chatpdf.DocumentProcessing}},
		"$expr": bson.M{"$lte": bson.A{"$job.due", "$$NOW"}},
	}
	abandoned := bson.M{"$cond": bson.A{bson.M{"$eq": bson.A{"$state", chatpdf.DocumentProcessing}}, 1, 0}}
	update := bson.A{bson.M{"$set": bson.M{
		"job.failed":  bson.M{"$add": bson.A{"$job.failed", abandoned}},
		"job.attempt": bson.M{"$add": bson.A{"$job.attempt", 1}},
		"job.holder":  bson.M{"$literal": holder},
		"job.due":     fromNow(lease),
		"state":       chatpdf.DocumentProcessing,
		"pagesDone":   0,
	}}}
	var d document
	err := s.documents().FindOneAndUpdate(ctx, filter, update, options.FindOneAndUpdate().
		SetSort(bson.M{"createdAt": 1}).SetReturnDocument(options.After)).Decode(&d)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for work: %w", err)
	}
	return &Lease{Document: d.domain(), Attempt: d.Job.Attempt, Failed: d.Job.Failed, file: d.File, holder: holder}, nil
}

// RenewLease makes the lease last for the time given from now.
func (s *Store) RenewLease(ctx context.Context, l *Lease, lease time.Duration) error {
	return s.underLease(ctx, l, bson.M{"job.due": fromNow(lease)})
}

// ReleaseJob gives a job back, to be claimed again after delay. failed says that the attempt counts
// as one that ended without a result.
func (s *Store) ReleaseJob(ctx context.Context, l *Lease, delay time.Duration, failed bool) error {
	count := l.Failed
	if failed {
		count++
	}
	return s.underLease(ctx, l, bson.M{"state": chatpdf.DocumentQueued, "job.due": fromNow(delay),
		"job.holder": "", "job.failed": count, "pagesDone": 0})
}

// FinishJob makes the document ready to be searched. embedding is nil if it has no vectors.
func (s *Store) FinishJob(ctx context.Context, l *Lease, embedding *Embedding) error {
	set := bson.M{"state": chatpdf.DocumentReady, "job.holder": "", "pagesDone": "$pages"}
	if embedding != nil {
		set["embedding"] = bson.M{"$literal": embedding}
	}
	return s.underLease(ctx, l, set)
}

// FailJob ends the job for good: the document cannot be taken in. Text that was stored of it goes; what of it
// cannot be removed now goes with the document.
func (s *Store) FailJob(ctx context.Context, l *Lease, f *chatpdf.Failure) error {
	err := s.underLease(ctx, l, bson.M{"state": chatpdf.DocumentFailed, "job.holder": "",
		"failure": bson.M{"$literal": failure{Code: f.Code, Message: f.Message}}})
	if err != nil {
		return err
	}
	if err := s.removeText(ctx, bson.M{"document": l.Document.ID}); err != nil {
		s.options.Log.Warn("the text of a failed document stays until it is deleted", "document", l.Document.ID, "error", err)
	}
	return nil
}

// underLease sets fields of the leased document, or says ErrLeaseLost and sets nothing.
func (s *Store) underLease(ctx context.Context, l *Lease, set bson.M) error {
	filter := bson.M{"_id": l.Document.ID, "owner": l.Document.Owner, "state": chatpdf.DocumentProcessing,
		"job.holder": l.holder, "job.attempt": l.Attempt}
	result, err := s.documents().UpdateOne(ctx, filter, bson.A{bson.M{"$set": set}})
	if err != nil {
		return fmt.Errorf("updating the job of document %s: %w", l.Document.ID, err)
	}
	if result.MatchedCount == 0 {
		return fmt.Errorf("document %s, attempt %d: %w", l.Document.ID, l.Attempt, ErrLeaseLost)
	}
	return nil
}

// fromNow is a moment by the database's clock.
func fromNow(d time.Duration) bson.M {
	return bson.M{"$add": bson.A{"$$NOW", d.Milliseconds()}}
}

// WatchQueue calls wake whenever a job comes to the queue. It returns when ctx ends or the database
// ends the stream; then jobs may have come unnoticed.
func (s *Store) WatchQueue(ctx context.Context, wake func()) error {
	queued := bson.A{
		bson.M{"operationType": "insert"},
		bson.M{"operationType": "update", "updateDescription.updatedFields.state": chatpdf.DocumentQueued},
	}
	pipeline := bson.A{bson.M{"$match": bson.M{"$or": queued}}, bson.M{"$project": bson.M{"operationType": 1}}}
	// The server answers an idle stream after this time; less than callTimeout, which bounds each answer.
	stream, err := s.documents().Watch(ctx, pipeline, options.ChangeStream().SetMaxAwaitTime(callTimeout/2))
	if err != nil {
		return fmt.Errorf("watching the queue: %w", err)
	}
	defer stream.Close(context.WithoutCancel(ctx))
	wake() // for what came before the stream began
	for ctx.Err() == nil {
		if stream.TryNext(ctx) {
			wake()
		} else if err := stream.Err(); err != nil {
			return fmt.Errorf("watching the queue: %w", err)
		}
	}
	return ctx.Err()
}

// QueueStats says how much work waits.
type QueueStats struct {
	Queued, Processing int64
	OldestQueued       time.Duration // how long the oldest queued document has waited since its upload; 0: none
}

// QueueStats counts the jobs that are not done.
func (s *Store) QueueStats(ctx context.Context) (QueueStats, error) {
	cursor, err := s.documents().Aggregate(ctx, bson.A{
		bson.M{"$match": bson.M{"state": bson.M{"$in": bson.A{chatpdf.DocumentQueued, chatpdf.DocumentProcessing}}}},
		bson.M{"$group": bson.M{"_id": "$state", "count": bson.M{"$sum": 1},
			"age": bson.M{"$max": bson.M{"$subtract": bson.A{"$$NOW", "$createdAt"}}}}},
	})
	if err != nil {
		return QueueStats{}, fmt.Errorf("counting the queue: %w", err)
	}
	var groups []struct {
		State chatpdf.DocumentState `bson:"_id"`
		Count int64                 `bson:"count"`
		Age   int64                 `bson:"age"` // milliseconds
	}
	if err := cursor.All(ctx, &groups); err != nil {
		return QueueStats{}, fmt.Errorf("counting the queue: %w", err)
	}
	var stats QueueStats
	for _, g := range groups {
		if g.State == chatpdf.DocumentQueued {
			stats.Queued, stats.OldestQueued = g.Count, time.Duration(g.Age)*time.Millisecond
		} else {
			stats.Processing = g.Count
		}
	}
	return stats, nil
}
