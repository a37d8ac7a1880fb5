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
	batchDocuments = 1000
	batchBytes     = 8 << 20
	// loaders insert at the same time, each a batch: what is not yet on the disk has to fit into a fifth of the
	// server's cache, which may be of 256 MiB.
	loaders = 2
	// cleaning bounds the removal of what a restore prepared in vain.
	cleaning = time.Minute
)

// safely is the database, read and written so that no election takes anything back.
func safely(client *mongo.Client, database string) *mongo.Database {
	return client.Database(database, options.Database().SetWriteConcern(writeconcern.Majority()).
		SetReadConcern(readconcern.Majority()).SetReadPreference(readpref.Primary()))
}

// Stage loads a backup beside what the database holds, reads it back and compares it with the manifest. Nothing
// that the application uses changes; what earlier restores prepared and gave up is removed. The ID is that of this one
// restore: where it is prepared already, nothing is done. The user needs the role readWrite on the database.
func Stage(ctx context.Context, client *mongo.Client, id string, m *Manifest, archive io.Reader, identities ...age.Identity) (err error) {
	if err := CheckID(id); err != nil {
		return err
	}
	if m.Archive.Encrypted && len(identities) == 0 {
		return fmt.Errorf("backup %s is encrypted: give the age identity of one of its recipients", m.ID)
	}
	db := safely(client, m.Database)
	found, err := readRecord(ctx, db, id)
	switch {
	case err != nil:
		return err
	case found != nil && found.Backup != m.ID:
		return fmt.Errorf("restore %s is of backup %s: give that of %s another id", id, found.Backup, m.ID)
	case found != nil:
		return nil
	}
	if err := giveUp(ctx, db); err != nil {
		return err
	}
	if err := fits(ctx, db, m); err != nil {
		return err
	}
	defer func() {
		if err == nil {
			return
		}
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleaning)
		defer cancel()
		err = errors.Join(err, giveUp(cleanup, db))
	}()
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
	ready := record{ID: id, Backup: m.ID, Prepared: time.Now(), Phase: prepared}
	for _, d := range definitions {
		// Before the indexes: one of them may begin to remove what has expired since.
		if err := compare(ctx, db.Collection(stagedName(id, d.Name)), m.collection(d.Name)); err != nil {
			return err
		}
		if err := index(ctx, db.Collection(stagedName(id, d.Name)), m.collection(d.Name), d.Indexes); err != nil {
			return err
		}
		ready.Collections = append(ready.Collections, d.Name)
	}
	if _, err := db.Collection(recordCollection).InsertOne(ctx, ready); err != nil {
		return fmt.Errorf("recording that backup %s is prepared: %w", m.ID, err)
	}
	return nil
}

// fits refuses a backup that cannot find room beside what is there. The server compresses less than archives do.
func fits(ctx context.Context, db *mongo.Database, m *Manifest) error {
	var stats struct {
		Used  float64 `bson:"fsUsedSize"`
		Total float64 `bson:"fsTotalSize"`
	}
	if err := db.RunCommand(ctx, bson.D{{Key: "dbStats", Value: 1}}).Decode(&stats); err != nil {
		return fmt.Errorf("asking for the room that is left: %w", err)
	}
	if left := stats.Total - stats.Used; stats.Total > 0 && left < float64(m.Archive.Bytes) {
		return fmt.Errorf("the primary's volume has %.1f GiB left, and a backup of %.1f GiB comes back beside what is there: enlarge the volumes first, by spec.mongodb.storage.size",
			left/(1<<30), float64(m.Archive.Bytes)/(1<<30))
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
	defer cursor.Close(context.WithoutCancel(ctx))
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
		command := bson.D{{Key: "createIndexes", Value: collection.Name()}, {Key: "indexes", Value: further}, majority,
			{Key: "commitQuorum", Value: "majority"}} // else it waits for a member that is down
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
