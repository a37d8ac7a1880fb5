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

// Job is the ingestion of one document, as its owner sees it. Its state is the document's.
type Job struct {
	ID       chatpdf.JobID
	Document chatpdf.Document
	Attempts int // how often a worker began
}

// Embedding says which model made a document's vectors.
type Embedding struct {
	Model string `bson:"model"`
	Dims  int    `bson:"dims"` // length of each vector
}

// document is a chatpdf.Document with its job, as stored.
type document struct {
	ID        chatpdf.DocumentID    `bson:"_id"`
	Owner     chatpdf.UserID        `bson:"owner"`
	Name      string                `bson:"name"`
	Size      int64                 `bson:"size"`
	SHA256    string                `bson:"sha256"`
	File      bson.ObjectID         `bson:"file"`
	State     chatpdf.DocumentState `bson:"state"`
	Pages     int                   `bson:"pages"`
	PagesDone int                   `bson:"pagesDone"`
	Failure   *failure              `bson:"failure,omitempty"`
	CreatedAt time.Time             `bson:"createdAt"`
	Embedding *Embedding            `bson:"embedding,omitempty"`
	Job       job                   `bson:"job"`
}

type failure struct {
	Code    chatpdf.FailureCode `bson:"code"`
	Message string              `bson:"message"`
}

type job struct {
	ID      chatpdf.JobID `bson:"id"`
	Attempt int           `bson:"attempt"` // counts claims and never repeats, so it fences off earlier workers
	Failed  int           `bson:"failed"`  // attempts that ended without a result, those given back in good order apart
	Holder  string        `bson:"holder,omitempty"`
	// Due is when a worker may claim the job: while queued, the end of a delay; while processing, the end of the lease.
	Due time.Time `bson:"due"`
}

func (d document) domain() chatpdf.Document {
	document := chatpdf.Document{ID: d.ID, Owner: d.Owner, Name: d.Name, Size: d.Size, SHA256: d.SHA256,
		State: d.State, Pages: d.Pages, PagesDone: d.PagesDone, CreatedAt: d.CreatedAt}
	if d.Failure != nil {
		document.Failure = &chatpdf.Failure{Code: d.Failure.Code, Message: d.Failure.Message}
	}
	return document
}

func (d document) job() Job {
	return Job{ID: d.Job.ID, Document: d.domain(), Attempts: d.Job.Attempt}
}

// Document finds a document of an owner.
func (s *Store) Document(ctx context.Context, owner chatpdf.UserID, id chatpdf.DocumentID) (chatpdf.Document, error) {
	d, err := s.findDocument(ctx, bson.M{"_id": id, "owner": owner})
	return d.domain(), err
}

// Job finds the ingestion of an owner's document.
func (s *Store) Job(ctx context.Context, owner chatpdf.UserID, id chatpdf.JobID) (Job, error) {
	d, err := s.findDocument(ctx, bson.M{"job.id": id, "owner": owner})
	return d.job(), err
}

// Documents lists an owner's documents, newest first: at most limit of them, those after the
// document after if it is not empty. more says whether there are further ones.
func (s *Store) Documents(ctx context.Context, owner chatpdf.UserID, limit int, after chatpdf.DocumentID) (list []chatpdf.Document, more bool, err error) {
	filter := bson.M{"owner": owner}
	if after != "" {
		d, err := s.findDocument(ctx, bson.M{"_id": after, "owner": owner})
		if err != nil {
			return nil, false, err
		}
		filter["$or"] = bson.A{
			bson.M{"createdAt": bson.M{"$lt": d.CreatedAt}},
			bson.M{"createdAt": d.CreatedAt, "_id": bson.M{"$lt": d.ID}},
		}
	}
	order := bson.D{{Key: "createdAt", Value: -1}, {Key: "_id", Value: -1}}
	cursor, err := s.documents().Find(ctx, filter, options.Find().SetSort(order).SetLimit(int64(limit)+1))
	if err != nil {
		return nil, false, fmt.Errorf("listing documents: %w", err)
	}
	var found []document
	if err := cursor.All(ctx, &found); err != nil {
		return nil, false, fmt.Errorf("listing documents: %w", err)
	}
	if len(found) > limit {
		found, more = found[:limit], true
	}
	for _, d := range found {
		list = append(list, d.domain())
	}
	return list, more, nil
}

func (s *Store) findDocument(ctx context.Context, filter bson.M) (document, error) {
	var d document
	err := s.documents().FindOne(ctx, filter).Decode(&d)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return document{}, fmt.Errorf("the document: %w", ErrNotFound)
	}
	if err != nil {
		return document{}, fmt.Errorf("looking up a document: %w", err)
	}
	return d, nil
}
