package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"golang.org/x/sync/errgroup"
)

const (
	// stagedPrefix is before the name of every collection that a restore prepares.
	stagedPrefix = "restore."
	// recordCollection remembers the last restore, from when what it prepared had been compared with the manifest.
	recordCollection = stagedPrefix + "record"

	batchDocuments = 1000
	batchBytes     = 8 << 20
	// loaders insert at the same time, each a batch: what is not yet on the disk has to fit into a fifth of the
	// server's cache, which may be of 256 MiB.
	loaders = 2
)

// record is what the database knows of a restore.
type record struct {
	ID          string    `bson:"_id"`
	Backup      string    `bson:"backup"`
	Collections []string  `bson:"collections"`
	Prepared    time.Time `bson:"prepared"`
	// Completed says that what was prepared has taken its place. Nothing is done for this restore any more.
	Completed bool `bson:"completed"`
}

func stagedName(id, collection string) string { return stagedPrefix + id + "." + collection }

// safely is the database, read and written so that no election takes anything back.
func safely(client *mongo.Client, database string) *mongo.Database {
	return client.Database(database, options.Database().SetWriteConcern(writeconcern.Majority()).
		SetReadConcern(readconcern.Majority()).SetReadPreference(readpref.Primary()))
}

// Stage loads a backup beside what the database holds, reads it back and compares it with the manifest. Nothing
// that the application uses changes, and what an earlier try left is removed first. The ID is that of this one
// restore: where it is prepared already, nothing is done. The user needs the role readWrite on the database.
func Stage(ctx context.Context, client *mongo.Client, id string, m *Manifest, archive io.Reader, identities ...age.Identity) error {
	if err := CheckID(id); err != nil {
		return err
	}
	if m.Archive.Encrypted && len(identities) == 0 {
		return fmt.Errorf("backup %s is encrypted: give the age identity of one of its recipients", m.ID)
	}
	db := safely(client, m.Database)
	found, err := readRecord(ctx, db, id)
	if err != nil || found != nil {
		return err
	}
	if err := dropStaged(ctx, db); err != nil {
		return err
	}
	reader, err := NewReader(archive, m.Database, identities)
	if err != nil {
		return err
	}
	defer reader.Close()
	definitions, err := load(ctx, db, id, m, reader)
	if err != nil {
		return err
	}
	if err := reader.Finish(m.Archive); err != nil {
		return err
	}
	prepared := record{ID: id, Backup: m.ID, Prepared: time.Now()}
	for _, d := range definitions {
		// Before the indexes: one of them may begin to remove what has expired since.
		if err := compare(ctx, db.Collection(stagedName(id, d.Name)), m.collection(d.Name)); err != nil {
			return err
		}
		if err := index(ctx, db.Collection(stagedName(id, d.Name)), m.collection(d.Name), d.Indexes); err != nil {
			return err
		}
		prepared.Collections = append(prepared.Collections, d.Name)
	}
	if _, err := db.Collection(recordCollection).InsertOne(ctx, prepared); err != nil {
		return fmt.Errorf("recording that backup %s is prepared: %w", m.ID, err)
	}
	return nil
}

// load brings all documents of the archive in and returns the definitions of their collections.
func load(ctx context.Context, db *mongo.Database, id string, m *Manifest, reader *Reader) ([]*Definition, error) {
	var all []*Definition
	for {
		d, err := reader.Collection()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if m.collection(d.Name) == nil || slices.ContainsFunc(all, func(other *Definition) bool { return other.Name == d.Name }) {
			return nil, fmt.Errorf("the archive holds collection %q, which its manifest does not name, or twice: one of them is damaged", d.Name)
		}
		if err := create(ctx, db, id, d); err != nil {
			return nil, err
		}
		if err := loadDocuments(ctx, db.Collection(stagedName(id, d.Name)), reader); err != nil {
			return nil, fmt.Errorf("loading collection %s: %w", d.Name, err)
		}
		all = append(all, d)
	}
	for _, c := range m.Collections {
		if !slices.ContainsFunc(all, func(d *Definition) bool { return d.Name == c.Name }) {
			return nil, fmt.Errorf("the archive ends without collection %q, which its manifest names: one of them is damaged", c.Name)
		}
	}
	return all, nil
}

// create makes the collection with its options.
func create(ctx context.Context, db *mongo.Database, id string, d *Definition) error {
	command := bson.D{{Key: "create", Value: stagedName(id, d.Name)}}
	elements, err := d.Options.Elements()
	if err != nil && len(d.Options) > 0 {
		return fmt.Errorf("the archive is damaged: the options of collection %s cannot be read", d.Name)
	}
	for _, option := range elements {
		command = append(command, bson.E{Key: option.Key(), Value: option.Value()})
	}
	if err := db.RunCommand(ctx, append(command, majority)).Err(); err != nil {
		return fmt.Errorf("making collection %s: %w", stagedName(id, d.Name), err)
	}
	return nil
}

// majority is what commands wait for that the driver adds no write concern to.
var majority = bson.E{Key: "writeConcern", Value: bson.D{{Key: "w", Value: "majority"}}}

func loadDocuments(ctx context.Context, collection *mongo.Collection, reader *Reader) error {
	group, loading := errgroup.WithContext(ctx)
	group.SetLimit(loaders)
	var (
		batch []bson.Raw
		bytes int
	)
	insert := func() {
		full := batch
		batch, bytes = nil, 0
		group.Go(func() error {
			_, err := collection.InsertMany(loading, full, options.InsertMany().SetOrdered(false))
			return err
		})
	}
	var failed error
	for loading.Err() == nil {
		document, err := reader.Document()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			failed = err
			break
		}
		if len(batch) > 0 && bytes+len(document) > batchBytes || len(batch) == batchDocuments {
			insert()
		}
		batch, bytes = append(batch, document), bytes+len(document)
	}
	if len(batch) > 0 && failed == nil {
		insert()
	}
	return errors.Join(failed, group.Wait(), ctx.Err())
}

// compare reads a collection back and holds it to the manifest.
func compare(ctx context.Context, collection *mongo.Collection, want *CollectionSummary) error {
	cursor, err := collection.Find(ctx, bson.D{})
	if err != nil {
		return fmt.Errorf("reading collection %s back: %w", want.Name, err)
	}
	defer cursor.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the server closes it after some minutes
	var got tally
	for cursor.Next(ctx) {
		got.add(cursor.Current)
	}
	if err := cursor.Err(); err != nil {
		return fmt.Errorf("reading collection %s back: %w", want.Name, err)
	}
	return got.compare(want)
}

// index makes the indexes of a collection, and looks whether they are those of the manifest.
func index(ctx context.Context, collection *mongo.Collection, want *CollectionSummary, indexes []bson.Raw) error {
	further := bson.A{}
	for _, i := range indexes {
		if name, _ := i.Lookup("name").StringValueOK(); name != "_id_" { // made with the collection
			further = append(further, i)
		}
	}
	if len(further) > 0 {
		command := bson.D{{Key: "createIndexes", Value: collection.Name()}, {Key: "indexes", Value: further}, majority}
		if err := collection.Database().RunCommand(ctx, command).Err(); err != nil {
			return fmt.Errorf("making the indexes of collection %s: %w", want.Name, err)
		}
	}
	made, err := listIndexes(ctx, collection)
	if err != nil {
		return err
	}
	if names := indexNames(made); !slices.Equal(names, want.Indexes) {
		return fmt.Errorf("collection %s came back with the indexes %s, and its manifest says %s: the backup is damaged",
			want.Name, strings.Join(names, ", "), strings.Join(want.Indexes, ", "))
	}
	return nil
}

// dropStaged removes what restores prepared that were given up.
func dropStaged(ctx context.Context, db *mongo.Database) error {
	names, err := db.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return fmt.Errorf("listing the collections of %s: %w", db.Name(), err)
	}
	for _, name := range names {
		if !strings.HasPrefix(name, stagedPrefix) {
			continue
		}
		if err := db.Collection(name).Drop(ctx); err != nil {
			return fmt.Errorf("removing %s, which an earlier restore left: %w", name, err)
		}
	}
	return nil
}

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
