package backup

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// ErrNotPrepared is returned for a restore of which the database knows nothing.
var ErrNotPrepared = errors.New("nothing is prepared for this restore: stage it first")

// Swap puts what [Stage] prepared for the restore with that ID in the place of what the database holds: each collection
// by one rename, which takes no longer for large ones, and what the backup does not hold is removed. Nothing else may
// write meanwhile. Where it was interrupted, repeating it completes it; once it is complete, repeating it does nothing.
// The user needs the role readWrite on the database.
func Swap(ctx context.Context, client *mongo.Client, database, id string) error {
	db := safely(client, database)
	prepared, err := readRecord(ctx, db, id)
	switch {
	case err != nil:
		return err
	case prepared == nil:
		return ErrNotPrepared
	case prepared.Completed:
		return nil
	}
	names, err := db.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return fmt.Errorf("listing the collections of %s: %w", database, err)
	}
	there := map[string]bool{}
	for _, name := range names {
		there[name] = true
	}
	restored := map[string]bool{}
	for _, name := range prepared.Collections {
		restored[name] = true
		if !there[stagedName(id, name)] {
			continue // it was renamed before an interruption
		}
		if err := rename(ctx, client, database, stagedName(id, name), name); err != nil {
			return err
		}
	}
	for _, name := range names {
		if restored[name] || reserved(name) {
			continue
		}
		if err := db.Collection(name).Drop(ctx); err != nil {
			return fmt.Errorf("removing collection %s, which the backup does not hold: %w", name, err)
		}
	}
	done := bson.D{{Key: "$set", Value: bson.D{{Key: "completed", Value: true}}}}
	if _, err := db.Collection(recordCollection).UpdateByID(ctx, id, done); err != nil {
		return fmt.Errorf("recording that restore %s is complete: %w", id, err)
	}
	return nil
}

func rename(ctx context.Context, client *mongo.Client, database, from, to string) error {
	command := bson.D{
		{Key: "renameCollection", Value: database + "." + from}, {Key: "to", Value: database + "." + to},
		{Key: "dropTarget", Value: true}, majority,
	}
	if err := client.Database("admin").RunCommand(ctx, command).Err(); err != nil {
		return fmt.Errorf("putting collection %s in its place: %w", to, err)
	}
	return nil
}
