package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
)

// ErrChanged is why a moment could not be read whole: a collection or an index was made or dropped meanwhile, or
// the servers no longer keep that moment. Another try may do.
var ErrChanged = errors.New("the database could not be read as it was at one moment")

// maxStaleness is how far a member may be behind that is read: one waits until it has reached the moment. It is the least
// that drivers allow (https://www.mongodb.com/docs/manual/core/read-preference-staleness/).
const maxStaleness = 90 * time.Second

// Codes of answers that say that a moment cannot be read
// (https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml).
const (
	codeSnapshotTooOld      = 239
	codeSnapshotUnavailable = 246
	codeNamespaceNotFound   = 26
	codeQueryPlanKilled     = 175 // a collection was dropped or renamed under a cursor
)

// Dump writes all of a database into w as it was at one moment and returns the manifest but for its ID and whose
// database it is. Members that follow are asked rather than the primary. The user needs the role read on the database.
//
// Errors are [ErrChanged] where another try may do, into another w.
func Dump(ctx context.Context, client *mongo.Client, database string, w io.Writer, recipients ...age.Recipient) (*Manifest, error) {
	started := time.Now()
	db := client.Database(database)
	if err := refuseHalf(ctx, db); err != nil {
		return nil, err
	}
	before, err := definitions(ctx, db)
	if err != nil {
		return nil, err
	}
	moment, version, err := now(ctx, db)
	if err != nil {
		return nil, err
	}
	m := &Manifest{
		FormatVersion: FormatVersion, Database: database, ServerVersion: version,
		Started: started.UTC().Truncate(time.Second), PointInTime: time.Unix(int64(moment.T), 0).UTC(), ClusterTime: clusterTimeOf(moment),
	}
	archive, err := NewWriter(w, database, m.PointInTime, recipients)
	if err != nil {
		return nil, err
	}
	session, err := client.StartSession(options.Session().SetSnapshot(true).SetSnapshotTime(moment))
	if err != nil {
		return nil, fmt.Errorf("beginning to read the database as it was at one moment: %w", err)
	}
	defer session.EndSession(context.WithoutCancel(ctx))
	reading := mongo.NewSessionContext(ctx, session)
	for _, d := range before {
		summary, err := dumpCollection(reading, db, d, archive)
		if err != nil {
			return nil, err
		}
		m.Collections = append(m.Collections, summary)
	}
	after, err := definitions(ctx, db)
	if err != nil {
		return nil, err
	}
	if changed := firstChange(before, after); changed != "" {
		return nil, fmt.Errorf("%w: collection %s was changed, made or dropped meanwhile", ErrChanged, changed)
	}
	if m.Archive, err = archive.Close(); err != nil {
		return nil, err
	}
	m.Archive.Encrypted = len(recipients) > 0
	m.Finished = time.Now().UTC().Truncate(time.Second)
	return m, nil
}

// refuseHalf refuses a database of which part is that of a backup.
func refuseHalf(ctx context.Context, db *mongo.Database) error {
	halves, err := interrupted(ctx, db)
	if err != nil || len(halves) == 0 {
		return err
	}
	return fmt.Errorf("restore %s of backup %s was interrupted, and the database is neither what it was nor what the backup holds: repeat that restore first", halves[0].ID, halves[0].Backup)
}

func dumpCollection(ctx context.Context, db *mongo.Database, d definition, archive *Writer) (CollectionSummary, error) {
	summary := CollectionSummary{Name: d.Name, Indexes: indexNames(d.Indexes)}
	if err := archive.Collection(d.Definition); err != nil {
		return summary, err
	}
	cursor, err := db.Collection(d.Name, options.Collection().SetReadPreference(readpref.SecondaryPreferred(readpref.WithMaxStaleness(maxStaleness)))).Find(ctx, bson.D{})
	if err != nil {
		return summary, reading(d.Name, err)
	}
	defer cursor.Close(context.WithoutCancel(ctx))
	var read tally
	for cursor.Next(ctx) {
		read.add(cursor.Current)
		if err := archive.Document(cursor.Current); err != nil {
			return summary, err
		}
	}
	if err := cursor.Err(); err != nil {
		return summary, reading(d.Name, err)
	}
	summary.Documents, summary.Bytes, summary.Digest = read.documents, read.bytes, read.digest.String()
	return summary, nil
}

// reading says why a collection could not be read.
func reading(name string, err error) error {
	changed := []int{codeSnapshotTooOld, codeSnapshotUnavailable, codeNamespaceNotFound, codeQueryPlanKilled}
	if server, is := errors.AsType[mongo.ServerError](err); is && slices.ContainsFunc(changed, server.HasErrorCode) {
		return fmt.Errorf("%w: collection %s: %w", ErrChanged, name, err)
	}
	return fmt.Errorf("reading collection %s: %w", name, err)
}

// now is the primary's cluster time, and its version: every write that was acknowledged before is at or before it.
func now(ctx context.Context, db *mongo.Database) (bson.Timestamp, string, error) {
	var reply struct {
		Version       string         `bson:"version"`
		OperationTime bson.Timestamp `bson:"operationTime"`
	}
	primary := options.RunCmd().SetReadPreference(readpref.Primary())
	if err := db.RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}, primary).Decode(&reply); err != nil {
		return bson.Timestamp{}, "", fmt.Errorf("asking the primary for the time: %w", err)
	}
	if reply.OperationTime.IsZero() {
		return bson.Timestamp{}, "", errors.New("the server tells no time of operations: backups need a replica set")
	}
	return reply.OperationTime, reply.Version, nil
}

// definition is a collection as the server knows it.
type definition struct {
	Definition
	uuid string
}

// indexNames are the names of indexes, sorted.
func indexNames(indexes []bson.Raw) []string {
	names := make([]string, 0, len(indexes))
	for _, index := range indexes {
		name, _ := index.Lookup("name").StringValueOK()
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// reserved are the names of the server's own collections, and of those that a restore prepares.
func reserved(name string) bool {
	return strings.HasPrefix(name, "system.") || strings.HasPrefix(name, stagedPrefix)
}

// definitions are all collections of the database that are not [reserved], sorted by name.
func definitions(ctx context.Context, db *mongo.Database) ([]definition, error) {
	cursor, err := db.ListCollections(ctx, bson.D{})
	if err != nil {
		return nil, fmt.Errorf("listing the collections of %s: %w", db.Name(), err)
	}
	var listed []struct {
		Name    string   `bson:"name"`
		Type    string   `bson:"type"`
		Options bson.Raw `bson:"options"`
		Info    struct {
			UUID bson.Binary `bson:"uuid"`
		} `bson:"info"`
	}
	if err := cursor.All(ctx, &listed); err != nil {
		return nil, fmt.Errorf("listing the collections of %s: %w", db.Name(), err)
	}
	var all []definition
	for _, c := range listed {
		if reserved(c.Name) {
			continue
		}
		capped, _ := c.Options.Lookup("capped").BooleanOK()
		if c.Type != "collection" || capped {
			return nil, fmt.Errorf("%s in database %s is not a plain collection (%s), and a backup holds nothing else: move it to another database", c.Name, db.Name(), kind(c.Type, capped))
		}
		indexes, err := listIndexes(ctx, db.Collection(c.Name))
		if err != nil {
			return nil, err
		}
		all = append(all, definition{Definition{c.Name, c.Options, indexes}, string(c.Info.UUID.Data)})
	}
	slices.SortFunc(all, func(a, b definition) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

func kind(listed string, capped bool) string {
	if capped {
		return "capped"
	}
	return listed
}

func listIndexes(ctx context.Context, collection *mongo.Collection) ([]bson.Raw, error) {
	cursor, err := collection.Indexes().List(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the indexes of %s: %w", collection.Name(), err)
	}
	var indexes []bson.Raw
	if err := cursor.All(ctx, &indexes); err != nil {
		return nil, fmt.Errorf("listing the indexes of %s: %w", collection.Name(), err)
	}
	return indexes, nil
}

// firstChange names a collection that is not the same in both lists; empty if there is none.
func firstChange(before, after []definition) string {
	then := map[string]definition{}
	for _, d := range before {
		then[d.Name] = d
	}
	for _, d := range after {
		same := func(a, b bson.Raw) bool { return string(a) == string(b) }
		was, existed := then[d.Name]
		if !existed || was.uuid != d.uuid || !same(was.Options, d.Options) || !slices.EqualFunc(was.Indexes, d.Indexes, same) {
			return d.Name
		}
		delete(then, d.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(then)) {
		return name
	}
	return ""
}
