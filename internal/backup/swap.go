package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	restore, err := readRecord(ctx, db, id)
	switch {
	case err != nil:
		return err
	case restore == nil:
		return ErrNotPrepared
	case restore.Phase == completed:
		return nil
	}
	if restore.Phase == prepared {
		if err := restore.whole(ctx, db); err != nil {
			return err
		}
		// From here on this one is whole and in its place, or can be repeated: what others left is of no use to anyone.
		if err := outdo(ctx, db, id); err != nil {
			return err
		}
		if err := restore.move(ctx, db, swapping); err != nil {
			return err
		}
	}
	if err := restore.putInPlace(ctx, client, db); err != nil {
		return err
	}
	return restore.move(ctx, db, completed)
}

// whole refuses a restore of which something is gone before any of it is in its place.
func (r *record) whole(ctx context.Context, db *mongo.Database) error {
	names, err := db.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return fmt.Errorf("listing the collections of %s: %w", db.Name(), err)
	}
	for _, name := range r.Collections {
		if !slices.Contains(names, stagedName(r.ID, name)) {
			return fmt.Errorf("collection %s is not prepared any more: somebody removed it; restore the backup under another id", name)
		}
	}
	return nil
}

func (r *record) putInPlace(ctx context.Context, client *mongo.Client, db *mongo.Database) error {
	names, err := db.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return fmt.Errorf("listing the collections of %s: %w", db.Name(), err)
	}
	for _, name := range r.Collections {
		switch {
		case slices.Contains(names, stagedName(r.ID, name)):
			if err := rename(ctx, client, db.Name(), stagedName(r.ID, name), name); err != nil {
				return err
			}
		case !slices.Contains(names, name):
			return fmt.Errorf("collection %s is neither prepared nor in its place: somebody removed it; restore the backup under another id", name)
		}
	}
	for _, name := range names {
		if slices.Contains(r.Collections, name) || reserved(name) {
			continue
		}
		if err := db.Collection(name).Drop(ctx); err != nil {
			return fmt.Errorf("removing collection %s, which the backup does not hold: %w", name, err)
		}
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
