package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// giveUp removes what restores prepared of which nothing is in its place yet, and what is known of those that are
// complete. Records go first: without one, a restore can no longer begin to take its place. What an interrupted one has
// yet to put in place stays.
func giveUp(ctx context.Context, db *mongo.Database) error {
	if err := forget(ctx, db, bson.D{{Key: "phase", Value: bson.D{{Key: "$ne", Value: swapping}}}}); err != nil {
		return err
	}
	halves, err := interrupted(ctx, db)
	if err != nil {
		return err
	}
	var keep []string
	for _, half := range halves {
		keep = append(keep, half.ID)
	}
	return dropStaged(ctx, db, keep...)
}

// outdo removes all that is there of other restores than this one.
func outdo(ctx context.Context, db *mongo.Database, id string) error {
	if err := forget(ctx, db, bson.D{{Key: "_id", Value: bson.D{{Key: "$ne", Value: id}}}}); err != nil {
		return err
	}
	return dropStaged(ctx, db, id)
}

func forget(ctx context.Context, db *mongo.Database, which bson.D) error {
	if _, err := db.Collection(recordCollection).DeleteMany(ctx, which); err != nil {
		return fmt.Errorf("forgetting restores that were given up: %w", err)
	}
	return nil
}

// dropStaged removes what restores prepared, but for those with the IDs to keep.
func dropStaged(ctx context.Context, db *mongo.Database, keep ...string) error {
	names, err := db.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return fmt.Errorf("listing the collections of %s: %w", db.Name(), err)
	}
	for _, name := range names {
		kept := slices.ContainsFunc(keep, func(id string) bool { return strings.HasPrefix(name, stagedName(id, "")) })
		if !strings.HasPrefix(name, stagedPrefix) || name == recordCollection || kept {
			continue
		}
		if err := db.Collection(name).Drop(ctx); err != nil {
			return fmt.Errorf("removing %s, which an earlier restore left: %w", name, err)
		}
	}
	return nil
}
