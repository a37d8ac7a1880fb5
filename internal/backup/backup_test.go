package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"chatpdf.dev/operator/internal/backup"
	"chatpdf.dev/operator/internal/mongodtest"
)

const accounts, balance = 200, 1000

// TestABackupIsTheDatabaseAtOneMoment moves amounts between two collections while they are read. At every moment the sum
// is the same, so that a dump of two moments gives itself away.
func TestABackupIsTheDatabaseAtOneMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"left", "right"} {
		var all []any
		for i := range accounts {
			all = append(all, bson.M{"_id": i, "balance": balance, "padding": strings.Repeat("x", 200_000)})
		}
		w.insert(t, name, all...)
	}
	moved, stop := w.move(t)
	w.insert(t, "last", bson.M{"_id": "acknowledged before"})
	var archive bytes.Buffer
	var began int64
	m, err := backup.Dump(t.Context(), w.reader, w.database, io.MultiWriter(&onFirstWrite{do: func() { began = moved.Load() }}, &archive))
	during := moved.Load() - began
	stop()
	if err != nil {
		t.Fatal(err)
	}
	if during == 0 {
		t.Fatal("nothing was written while the database was read: this shows nothing")
	}
	w.restore(t, m, &archive)
	if total := w.total(t, "left") + w.total(t, "right"); total != 2*accounts*balance {
		t.Errorf("the balances sum up to %d, and at every moment it was %d", total, 2*accounts*balance)
	}
	if len(w.lines(t, "last")) != 1 {
		t.Error("what was acknowledged before the backup began is not in it")
	}
}

// move moves amounts to and fro until it is stopped, and counts how often.
func (w *world) move(t *testing.T) (moved *atomic.Int64, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	moved = &atomic.Int64{}
	var moving sync.WaitGroup
	moving.Go(func() {
		for ctx.Err() == nil {
			err := w.root.UseSession(ctx, func(ctx context.Context) error {
				_, err := mongo.SessionFromContext(ctx).WithTransaction(ctx, func(ctx context.Context) (any, error) {
					for name, amount := range map[string]int{"left": -1, "right": 1} {
						change := bson.M{"$inc": bson.M{"balance": amount}}
						if _, err := w.db.Collection(name).UpdateByID(ctx, rand.IntN(accounts), change); err != nil {
							return nil, err
						}
					}
					return nil, nil
				})
				return err
			})
			if err == nil {
				moved.Add(1)
			} else if ctx.Err() == nil {
				t.Error(err)
				return
			}
		}
	})
	return moved, func() {
		cancel()
		moving.Wait()
	}
}

func (w *world) total(t *testing.T, collection string) (total int) {
	t.Helper()
	cursor, err := w.db.Collection(collection).Find(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Balance int `bson:"balance"`
	}
	if err := cursor.All(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	for _, account := range all {
		total += account.Balance
	}
	return total
}

// dump saves the database with the user that jobs have for it.
func (w *world) dump(t *testing.T) (*backup.Manifest, *bytes.Buffer) {
	t.Helper()
	var archive bytes.Buffer
	m, err := backup.Dump(t.Context(), w.reader, w.database, &archive)
	if err != nil {
		t.Fatal(err)
	}
	return m, &archive
}

// restore brings a backup back with the user that jobs have for it.
func (w *world) restore(t *testing.T, m *backup.Manifest, archive io.Reader, identities ...age.Identity) {
	t.Helper()
	if err := backup.Stage(t.Context(), w.writer, "again", m, archive, identities...); err != nil {
		t.Fatal(err)
	}
	if err := backup.Swap(t.Context(), w.writer, w.database, "again"); err != nil {
		t.Fatal(err)
	}
}

// fill puts into the database what an application may have: documents of every size, indexes of every kind that it
// uses, options, an empty collection, and names that do not fit a path.
func (w *world) fill(t *testing.T) {
	t.Helper()
	german := options.CreateCollection().SetCollation(&options.Collation{Locale: "de", Strength: 2})
	for name, o := range map[string]*options.CreateCollectionOptionsBuilder{
		"words": german, "empty": options.CreateCollection(), "odd/name %": options.CreateCollection(),
		"judged": options.CreateCollection().SetValidator(bson.M{"size": bson.M{"$gt": 1}}),
	} {
		if err := w.db.CreateCollection(t.Context(), name, o); err != nil {
			t.Fatal(err)
		}
	}
	w.insert(t, "words", bson.M{"_id": "Äpfel", "n": 1}, bson.M{"_id": "Birnen", "n": 2})
	w.insert(t, "odd/name %", bson.M{"_id": 1})
	w.insert(t, "judged", bson.M{"_id": 1, "size": 2})
	var many []any
	for i := range 1500 {
		many = append(many, bson.M{"_id": i, "at": moment.Add(time.Duration(i) * time.Hour), "text": fmt.Sprint("document ", i)})
	}
	w.insert(t, "many", many...)
	// One that is larger than a file of the archive should be, and one that then begins another.
	for i, size := range []int{12 << 20, 1 << 20} {
		w.insert(t, "large", bson.M{"_id": i, "data": bytes.Repeat([]byte{byte(i)}, size)})
	}
	indexes := []mongo.IndexModel{
		{Keys: bson.D{{Key: "text", Value: 1}}, Options: options.Index().SetUnique(true)},
		{Keys: bson.D{{Key: "at", Value: -1}, {Key: "text", Value: 1}}, Options: options.Index().SetPartialFilterExpression(bson.M{"text": bson.M{"$exists": true}})},
		{Keys: bson.D{{Key: "text", Value: "text"}}, Options: options.Index().SetName("search")},
		{Keys: bson.D{{Key: "gone", Value: 1}}, Options: options.Index().SetExpireAfterSeconds(60)},
	}
	if _, err := w.db.Collection("many").Indexes().CreateMany(t.Context(), indexes); err != nil {
		t.Fatal(err)
	}
}

// spoil changes the database after a backup: documents changed, added and removed, an index dropped, a collection
// dropped and another one made.
func (w *world) spoil(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	w.insert(t, "made since", bson.M{"_id": 1})
	w.insert(t, "empty", bson.M{"_id": "no longer"})
	_, err := w.db.Collection("many").DeleteMany(ctx, bson.M{"_id": bson.M{"$lt": 700}})
	if err == nil {
		_, err = w.db.Collection("many").UpdateByID(ctx, 900, bson.M{"$set": bson.M{"text": "changed"}})
	}
	if err == nil {
		err = w.db.Collection("many").Indexes().DropOne(ctx, "search")
	}
	if err == nil {
		err = w.db.Collection("words").Drop(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestARestoreHoldsWhatTheBackupHoldsAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(t)
	want, users := w.contents(t), w.users(t)
	m, archive := w.dump(t)
	if m.Archive.Bytes != int64(archive.Len()) || m.Documents() != 1506 {
		t.Errorf("the manifest tells of %d bytes and %d documents; they are %d and 1506", m.Archive.Bytes, m.Documents(), archive.Len())
	}
	w.spoil(t)
	elsewhere := w.root.Database(w.database + "-other").Collection("unrelated")
	if _, err := elsewhere.InsertOne(t.Context(), bson.M{}); err != nil {
		t.Fatal(err)
	}
	w.restore(t, m, archive)
	same(t, w.contents(t), want)
	if n, err := elsewhere.CountDocuments(t.Context(), bson.M{}); n != 1 || err != nil {
		t.Errorf("another database holds %d documents: %v", n, err)
	}
	if got := w.users(t); got != users {
		t.Errorf("users were touched:\n%s\n%s", got, users)
	}
}

// users are all users of the server, but for those of other tests.
func (w *world) users(t *testing.T) string {
	t.Helper()
	var reply struct {
		Users []bson.Raw `bson:"users"`
	}
	if err := w.root.Database("admin").RunCommand(t.Context(), bson.M{"usersInfo": 1}).Decode(&reply); err != nil {
		t.Fatal(err)
	}
	var own []string
	for _, user := range reply.Users {
		if strings.Contains(user.String(), w.database) {
			own = append(own, user.String())
		}
	}
	return strings.Join(own, "\n")
}

func TestMembersThatFollowAreReadRatherThanThePrimary(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(t)
	var (
		lock  sync.Mutex
		asked = map[string]int{}
	)
	client := connect(t, w.user(t, "watched", "read"), &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		name, _ := e.Command.Lookup("find").StringValueOK()
		if e.CommandName == "getMore" || name != "" && name != "restore.record" { // what is told of restores is the primary's to tell
			lock.Lock()
			defer lock.Unlock()
			host, _, _ := strings.Cut(e.ConnectionID, "[")
			asked[host]++
		}
	}})
	if _, err := backup.Dump(t.Context(), client, w.database, io.Discard); err != nil {
		t.Fatal(err)
	}
	var reply struct {
		Primary string `bson:"primary"`
	}
	if err := w.root.Database("admin").RunCommand(t.Context(), bson.M{"hello": 1}).Decode(&reply); err != nil {
		t.Fatal(err)
	}
	if len(asked) == 0 || asked[reply.Primary] > 0 {
		t.Errorf("reads by member: %v, and %s is the primary", asked, reply.Primary)
	}
}

// onFirstWrite does something when the archive begins to flow.
type onFirstWrite struct {
	once sync.Once
	do   func()
}

func (w *onFirstWrite) Write(p []byte) (int, error) {
	w.once.Do(w.do)
	return len(p), nil
}

func TestAMomentThatCannotBeReadWholeIsRefusedAndAnotherTryDoes(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(context.Context, *mongo.Database) error{
		"collection made":    func(ctx context.Context, db *mongo.Database) error { return db.CreateCollection(ctx, "another") },
		"collection dropped": func(ctx context.Context, db *mongo.Database) error { return db.Collection("words").Drop(ctx) },
		"index made": func(ctx context.Context, db *mongo.Database) error {
			_, err := db.Collection("words").Indexes().CreateOne(ctx, mongo.IndexModel{Keys: bson.D{{Key: "n", Value: 1}}})
			return err
		},
		"index dropped": func(ctx context.Context, db *mongo.Database) error {
			return db.Collection("many").Indexes().DropOne(ctx, "search")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fill(t)
			changing := &onFirstWrite{do: func() {
				if err := change(t.Context(), w.db); err != nil {
					t.Error(err)
				}
			}}
			if _, err := backup.Dump(t.Context(), w.reader, w.database, changing); !errors.Is(err, backup.ErrChanged) {
				t.Fatalf("the error is %v", err)
			}
			var archive bytes.Buffer
			m, err := backup.Dump(t.Context(), w.reader, w.database, &archive)
			if err != nil {
				t.Fatal(err)
			}
			want := w.contents(t)
			w.restore(t, m, &archive)
			same(t, w.contents(t), want)
		})
	}
}

func TestWhatABackupCannotHoldIsNamed(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]*options.CreateCollectionOptionsBuilder{
		"capped":     options.CreateCollection().SetCapped(true).SetSizeInBytes(4096),
		"timeseries": options.CreateCollection().SetTimeSeriesOptions(options.TimeSeries().SetTimeField("at")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if err := w.db.CreateCollection(t.Context(), "special", o); err != nil {
				t.Fatal(err)
			}
			_, err := backup.Dump(t.Context(), w.reader, w.database, io.Discard)
			if err == nil || !strings.Contains(err.Error(), "special in database "+w.database+" is not a plain collection ("+name+")") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// TestARestoreInterruptedAnywhereIsCompletedByRepeatingIt ends the connection at the first command, then at the
// second, and so on, until a restore passes whole.
func TestARestoreInterruptedAnywhereIsCompletedByRepeatingIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"first", "second", "third"} {
		w.insert(t, name, bson.M{"_id": 1, "of": name})
	}
	backedUp := w.contents(t)
	m, archive := w.dump(t)
	uri := w.user(t, "interrupted", "readWrite")
	for k := 1; ; k++ {
		w.insert(t, "fourth", bson.M{"since": k})
		w.insert(t, "first", bson.M{"since": k})
		before, id := w.contents(t), fmt.Sprint("restore-", k)
		interrupted := w.interrupt(t, uri, k, func(ctx context.Context, client *mongo.Client) error {
			if err := backup.Stage(ctx, client, id, m, bytes.NewReader(archive.Bytes())); err != nil {
				same(t, w.contents(t), before)
				return err
			}
			return backup.Swap(ctx, client, w.database, id)
		})
		if err := backup.Stage(t.Context(), w.writer, id, m, bytes.NewReader(archive.Bytes())); err != nil {
			t.Fatalf("interrupted at command %d: %v", k, err)
		}
		if err := backup.Swap(t.Context(), w.writer, w.database, id); err != nil {
			t.Fatalf("interrupted at command %d: %v", k, err)
		}
		same(t, w.contents(t), backedUp)
		if t.Failed() {
			t.Fatalf("interrupted at command %d", k)
		}
		if !interrupted {
			t.Logf("a restore of three collections has %d commands", k-1)
			return
		}
	}
}

// interrupt runs an act whose client loses its context at the k-th command, sent or not; it says whether that came.
func (w *world) interrupt(t *testing.T, uri string, k int, act func(context.Context, *mongo.Client) error) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var (
		lock sync.Mutex
		sent int
	)
	client := connect(t, uri, &event.CommandMonitor{Started: func(context.Context, *event.CommandStartedEvent) {
		lock.Lock()
		defer lock.Unlock()
		if sent++; sent == k {
			cancel()
		}
	}})
	err := act(ctx, client)
	lock.Lock()
	defer lock.Unlock()
	if sent >= k && err == nil && sent > k {
		t.Errorf("the act was interrupted at command %d and went on to %d", k, sent)
	}
	return err != nil
}

func TestARestoreThatIsCompleteIsNotDoneAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert(t, "first", bson.M{"_id": 1})
	m, archive := w.dump(t)
	w.restore(t, m, bytes.NewReader(archive.Bytes()))
	w.insert(t, "first", bson.M{"_id": "written since"})
	want := w.contents(t)
	w.restore(t, m, bytes.NewReader(archive.Bytes()))
	same(t, w.contents(t), want)
	if err := backup.Swap(t.Context(), w.writer, w.database, "never"); !errors.Is(err, backup.ErrNotPrepared) {
		t.Errorf("the error is %v", err)
	}
}

// TestWhatIsHalfInItsPlaceIsNeitherSavedNorLost interrupts a restore between two renames.
func TestWhatIsHalfInItsPlaceIsNeitherSavedNorLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	save := func() (*backup.Manifest, []byte, map[string][]string) {
		m, archive := w.dump(t)
		return m, archive.Bytes(), w.contents(t)
	}
	for _, name := range []string{"first", "second", "third"} {
		w.insert(t, name, bson.M{"_id": 1, "of": name})
	}
	older, olderArchive, olderContents := save()
	w.insert(t, "second", bson.M{"_id": 2})
	newer, newerArchive, newerContents := save()
	older.ID, newer.ID = "older", "newer"

	renames := 0
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client := connect(t, w.user(t, "half", "readWrite"), &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		if e.CommandName == "renameCollection" {
			if renames++; renames == 2 {
				cancel()
			}
		}
	}})
	if err := backup.Stage(ctx, client, "first-try", older, bytes.NewReader(olderArchive)); err != nil {
		t.Fatal(err)
	}
	if err := backup.Swap(ctx, client, w.database, "first-try"); err == nil {
		t.Fatal("it was not interrupted")
	}
	if _, err := backup.Dump(t.Context(), w.reader, w.database, io.Discard); err == nil || !strings.Contains(err.Error(), "restore first-try of backup older was interrupted") {
		t.Errorf("what is half in its place can be saved: %v", err)
	}
	// Another restore that is refused leaves what the first has yet to put in place.
	if err := backup.Stage(t.Context(), w.writer, "another", newer, bytes.NewReader(newerArchive[:len(newerArchive)/2])); err == nil {
		t.Fatal("a damaged backup was taken")
	}
	if err := backup.Swap(t.Context(), w.writer, w.database, "first-try"); err != nil {
		t.Fatal(err)
	}
	same(t, w.contents(t), olderContents)
	// And one that is not refused takes the place of all.
	if err := backup.Stage(t.Context(), w.writer, "another", newer, bytes.NewReader(newerArchive)); err != nil {
		t.Fatal(err)
	}
	if err := backup.Swap(t.Context(), w.writer, w.database, "another"); err != nil {
		t.Fatal(err)
	}
	same(t, w.contents(t), newerContents)
	names, err := w.db.ListCollectionNames(t.Context(), bson.M{"name": bson.M{"$regex": "^restore"}})
	if err != nil || !slices.Equal(names, []string{"restore.record"}) {
		t.Errorf("left is %q: %v", names, err)
	}
}

func TestAnIDStandsForOneRestoreOfOneBackup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert(t, "first", bson.M{"_id": 1})
	m, archive := w.dump(t)
	m.ID = "march"
	w.restore(t, m, bytes.NewReader(archive.Bytes()))
	m.ID = "june"
	err := backup.Stage(t.Context(), w.writer, "again", m, bytes.NewReader(archive.Bytes()))
	if err == nil || !strings.Contains(err.Error(), "restore again is of backup march") {
		t.Errorf("the error is %v", err)
	}
}

func TestARestoreThatWasPreparedCannotBeginOnceAnotherHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert(t, "first", bson.M{"_id": 1})
	m, archive := w.dump(t)
	w.insert(t, "first", bson.M{"_id": 2})
	want := w.contents(t)
	for _, id := range []string{"given-up", "another"} {
		if err := backup.Stage(t.Context(), w.writer, id, m, bytes.NewReader(archive.Bytes())); err != nil {
			t.Fatal(err)
		}
	}
	if err := backup.Swap(t.Context(), w.writer, w.database, "given-up"); !errors.Is(err, backup.ErrNotPrepared) {
		t.Errorf("the error is %v", err)
	}
	same(t, w.contents(t), want)
}

func TestWhatSomebodyRemovedBeforeItsTimeIsMissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert(t, "first", bson.M{"_id": 1})
	w.insert(t, "second", bson.M{"_id": 1})
	m, archive := w.dump(t)
	w.insert(t, "second", bson.M{"_id": 2})
	want := w.contents(t)
	if err := backup.Stage(t.Context(), w.writer, "again", m, archive); err != nil {
		t.Fatal(err)
	}
	if err := w.db.Collection("restore.again.second").Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := backup.Swap(t.Context(), w.writer, w.database, "again"); err == nil || !strings.Contains(err.Error(), "collection second is not prepared any more") {
		t.Errorf("the error is %v", err)
	}
	same(t, w.contents(t), want)
}

// TestABackupComesBackWhileAMemberIsDown needs a replica set of its own.
func TestABackupComesBackWhileAMemberIsDown(t *testing.T) {
	t.Parallel()
	if replicaSet == nil {
		t.Skip("skipped because of -short: needs a mongod")
	}
	rs := mongodtest.Start(t, mongodtest.Options{Members: 3})
	client := connect(t, rs.URI, nil)
	w := &world{root: client, reader: client, writer: client, database: "chatpdf", db: client.Database("chatpdf")}
	w.fill(t)
	want := w.contents(t)
	var archive bytes.Buffer
	m, err := backup.Dump(t.Context(), client, w.database, &archive)
	if err != nil {
		t.Fatal(err)
	}
	w.spoil(t)
	rs.Members[2].Kill()
	w.restore(t, m, &archive)
	same(t, w.contents(t), want)
}

func TestADamagedBackupIsRefusedAndTheDatabaseStaysAsItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 50 {
		w.insert(t, "first", bson.M{"_id": i, "text": strings.Repeat(fmt.Sprint(rand.Int64()), 20)})
	}
	w.insert(t, "second", bson.M{"_id": 1})
	var whole bytes.Buffer
	m, err := backup.Dump(t.Context(), w.reader, w.database, &whole)
	if err != nil {
		t.Fatal(err)
	}
	w.insert(t, "second", bson.M{"_id": "written since"})
	want := w.contents(t)
	refused := func(t *testing.T, m backup.Manifest, archive []byte) {
		t.Helper()
		err := backup.Stage(t.Context(), w.writer, "damaged", &m, bytes.NewReader(archive))
		if err == nil {
			t.Fatal("it was taken")
		}
		t.Log(err)
		if err := backup.Swap(t.Context(), w.writer, w.database, "damaged"); !errors.Is(err, backup.ErrNotPrepared) {
			t.Fatalf("what was refused can be put in place: %v", err)
		}
		same(t, w.contents(t), want)
	}
	for _, at := range []int{0, 5, 40, whole.Len() / 2, whole.Len() - 1} {
		t.Run(fmt.Sprint("byte ", at), func(t *testing.T) {
			archive := bytes.Clone(whole.Bytes())
			archive[at] ^= 0x40
			refused(t, *m, archive)
		})
		t.Run(fmt.Sprint("ends at ", at), func(t *testing.T) { refused(t, *m, whole.Bytes()[:at]) })
	}
	t.Run("more behind it", func(t *testing.T) { refused(t, *m, append(bytes.Clone(whole.Bytes()), 0)) })
	for name, change := range map[string]func(*backup.Manifest){
		"documents": func(m *backup.Manifest) { m.Collections[0].Documents++ },
		"digest":    func(m *backup.Manifest) { m.Collections[0].Digest = strings.Repeat("0", 64) },
		"indexes":   func(m *backup.Manifest) { m.Collections[0].Indexes = append(m.Collections[0].Indexes, "more") },
		"missing":   func(m *backup.Manifest) { m.Collections = m.Collections[:1] },
		"another": func(m *backup.Manifest) {
			m.Collections = append(m.Collections, backup.CollectionSummary{Name: "third", Digest: strings.Repeat("0", 64)})
		},
		"sum": func(m *backup.Manifest) { m.Archive.SHA256 = strings.Repeat("0", 64) },
	} {
		t.Run("manifest: "+name, func(t *testing.T) {
			changed := *m
			changed.Collections = append([]backup.CollectionSummary{}, m.Collections...)
			change(&changed)
			refused(t, changed, whole.Bytes())
		})
	}
}

func TestAnEncryptedBackupOpensWithItsKeyAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert(t, "first", bson.M{"_id": 1, "text": "a sentence that nobody may read"})
	want := w.contents(t)
	key, other := identity(t), identity(t)
	var archive bytes.Buffer
	m, err := backup.Dump(t.Context(), w.reader, w.database, &archive, key.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if !m.Archive.Encrypted {
		t.Error("the manifest does not say that the archive is encrypted")
	}
	for name, identities := range map[string][]age.Identity{"none": nil, "another": {other}} {
		if err := backup.Stage(t.Context(), w.writer, "again", m, bytes.NewReader(archive.Bytes()), identities...); err == nil {
			t.Errorf("it opens with %s", name)
		} else {
			t.Log(err)
		}
	}
	w.restore(t, m, &archive, key)
	same(t, w.contents(t), want)
}

func identity(t *testing.T) *age.X25519Identity {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return key
}
