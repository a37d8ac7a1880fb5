package backup

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

const (
	// stagedPrefix is before the name of every collection that a restore prepares.
	stagedPrefix = "restore."
	// recordCollection remembers restores, from when what they prepared has been compared with the manifest.
	recordCollection = stagedPrefix + "record"
)

// phase is how far a restore is.
type phase string

const (
	// prepared: what the application uses is as it was.
	prepared phase = "prepared"
	// swapping: part of it may be in its place. What is left is the only copy beside the archive.
	swapping phase = "swapping"
	// completed: nothing is done for this restore any more.
	completed phase = "completed"
)

// record is what the database knows of a restore.
type record struct {
	ID          string    `bson:"_id"`
	Backup      string    `bson:"backup"`
	Collections []string  `bson:"collections"`
	Prepared    time.Time `bson:"prepared"`
	Phase       phase     `bson:"phase"`
}

func stagedName(id, collection string) string { return stagedPrefix + id + "." + collection }

// readRecord is what the database knows of a restore, nil if nothing.
func readRecord(ctx context.Context, db *mongo.Database, id string) (*record, error) {
	var found record
	err := db.Collection(recordCollection).FindOne(ctx, bson.D{{Key: "_id", Value: id}}).Decode(&found)
	switch {
	case errors.Is(err, mongo.ErrNoDocuments):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("looking for what restore %s prepared: %w", id, err)
	}
	return &found, nil
}

// interrupted are the restores of which part may be in its place.
func interrupted(ctx context.Context, db *mongo.Database) ([]record, error) {
	cursor, err := db.Collection(recordCollection).Find(ctx, bson.D{{Key: "phase", Value: swapping}})
	if err != nil {
		return nil, fmt.Errorf("looking for restores that were interrupted: %w", err)
	}
	var found []record
	if err := cursor.All(ctx, &found); err != nil {
		return nil, fmt.Errorf("looking for restores that were interrupted: %w", err)
	}
	return found, nil
}

// move records how far a restore is.
func (r *record) move(ctx context.Context, db *mongo.Database, to phase) error {
	result, err := db.Collection(recordCollection).UpdateByID(ctx, r.ID, bson.D{{Key: "$set", Value: bson.D{{Key: "phase", Value: to}}}})
	if err == nil && result.MatchedCount == 0 {
		err = errors.New("another restore has begun meanwhile")
	}
	if err != nil {
		return fmt.Errorf("recording that restore %s is %s: %w", r.ID, to, err)
	}
	r.Phase = to
	return nil
}

// tidy removes what other restores prepared and was given up, their records first: what is left of one without a record
// is of no use to it. What an interrupted one has yet to put in place stays, unless everything is to go.
func tidy(ctx context.Context, db *mongo.Database, own string, interruptedToo bool) error {
	keep := []string{stagedName(own, "")}
	others := bson.D{{Key: "_id", Value: bson.D{{Key: "$ne", Value: own}}}}
	if !interruptedToo {
		halves, err := interrupted(ctx, db)
		if err != nil {
			return err
		}
		for _, half := range halves {
			keep = append(keep, stagedName(half.ID, ""))
		}
		others = append(others, bson.E{Key: "phase", Value: bson.D{{Key: "$ne", Value: swapping}}})
	}
	if _, err := db.Collection(recordCollection).DeleteMany(ctx, others); err != nil {
		return fmt.Errorf("forgetting restores that were given up: %w", err)
	}
	return dropStaged(ctx, db, func(name string) bool {
		for _, prefix := range keep {
			if strings.HasPrefix(name, prefix) {
				return true
			}
		}
		return false
	})
}

// dropStaged removes what restores prepared, but for what is kept.
func dropStaged(ctx context.Context, db *mongo.Database, kept func(name string) bool) error {
	names, err := db.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return fmt.Errorf("listing the collections of %s: %w", db.Name(), err)
	}
	for _, name := range names {
		if !strings.HasPrefix(name, stagedPrefix) || name == recordCollection || kept(name) {
			continue
		}
		if err := db.Collection(name).Drop(ctx); err != nil {
			return fmt.Errorf("removing %s, which an earlier restore left: %w", name, err)
		}
	}
	return nil
}
