package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"chatpdf.dev/operator/app/pdf/pdftest"
	"chatpdf.dev/operator/internal/mongodtest"
)

// book is a PDF whose page N says that its own number is N.
func book(pages int) []byte {
	var all []pdftest.Page
	for n := 1; n <= pages; n++ {
		all = append(all, pdftest.Prose(fmt.Sprintf("The colour of page %d is ultramarine.", n), "It has a second sentence."))
	}
	return pdftest.Write(all...)
}

func TestAnUploadedBookAnswersQuestionsWithItsPages(t *testing.T) {
	backend := startBackend(t, replicaSet.DatabaseURI(t))
	b := signIn(t, backend.url)
	_, j := b.upload("book.pdf", book(60), http.StatusAccepted)
	b.awaitJob(j.ID, "the book to be ready", func(j job) bool { return j.State == "ready" })
	var answer struct {
		Mode, Text string
		Citations  []struct {
			ID, Page int
			Quote    string
			Rects    []struct{ X0, Y0, X1, Y1 float64 }
		}
	}
	b.do(http.MethodPost, "/api/v1/questions", map[string]string{"question": "What colour is page 37?"}, http.StatusOK, &answer)
	if answer.Mode != "extractive" || len(answer.Citations) == 0 {
		t.Fatalf("%+v", answer)
	}
	if c := answer.Citations[0]; c.Page != 37 || c.ID != 1 || len(c.Rects) == 0 || !strings.Contains(c.Quote, "ultramarine") || !strings.Contains(answer.Text, "[1]") {
		t.Fatalf("%+v", answer)
	}
}

func TestAcceptedUploadSurvivesAKilledWorker(t *testing.T) {
	uri := replicaSet.DatabaseURI(t)
	first := startBackend(t, uri)
	b := signIn(t, first.url)
	const pages = 4000
	d, j := b.upload("book.pdf", book(pages), http.StatusAccepted)
	b.awaitJob(j.ID, "the first pages", func(j job) bool { return j.PagesDone > 0 && j.State == "processing" })
	first.kill()
	second := startBackend(t, uri)
	b = signIn(t, second.url)
	j = b.awaitJob(j.ID, "the job to be finished by another worker", func(j job) bool { return j.State == "ready" })
	if j.Attempts != 2 || j.PagesDone != pages {
		t.Fatalf("%+v", j)
	}
	for collection, want := range map[string]int64{"pages": pages, "documents": 1, "orphans": 0} {
		if n := countRows(t, uri, collection); n != want {
			t.Errorf("%d rows in %s, want %d", n, collection, want)
		}
	}
	if again, _ := b.upload("again.pdf", book(pages), http.StatusOK); again.ID != d.ID {
		t.Errorf("the same file is another document now")
	}
}

func TestTwoReplicasCreateOneAdmin(t *testing.T) {
	uri := replicaSet.DatabaseURI(t)
	var replicas [2]*process
	var starting sync.WaitGroup
	for i := range replicas {
		starting.Go(func() { replicas[i] = startBackend(t, uri, fmt.Sprintf("INITIAL_ADMIN_USERNAME=admin%d", i)) })
	}
	starting.Wait()
	if n := countRows(t, uri, "users"); n != 1 {
		t.Fatalf("%d accounts, want 1", n)
	}
}

func TestABackendStartsBeforeItsDatabase(t *testing.T) {
	rs := mongodtest.Start(t, mongodtest.Options{})
	rs.Members[0].Stop()
	backend := start(t, "backend", "MONGODB_URI="+rs.URIFor("", "", "chatpdf"), "CACHE_DIR="+t.TempDir())
	if got := status(backend.url + "/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("readyz without a database: %d", got)
	}
	if got := status(backend.url + "/health"); got != http.StatusServiceUnavailable {
		t.Errorf("health without a database: %d", got)
	}
	rs.Members[0].Restart(t)
	await(t, "the backend to be ready", func() bool { return status(backend.url+"/readyz") == http.StatusOK })
}

func TestSIGTERMGivesTheJobBackAndEndsWell(t *testing.T) {
	uri := replicaSet.DatabaseURI(t)
	backend := startBackend(t, uri)
	b := signIn(t, backend.url)
	_, j := b.upload("book.pdf", book(6000), http.StatusAccepted)
	b.awaitJob(j.ID, "the first pages", func(j job) bool { return j.PagesDone > 0 })
	backend.terminate(t)
	await(t, "readyz to fail or the port to close", func() bool { return status(backend.url+"/readyz") != http.StatusOK })
	<-backend.end
	if code := backend.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	var d struct {
		State string
		Job   struct{ Failed int }
	}
	if err := collection(t, uri, "documents").FindOne(t.Context(), bson.M{}).Decode(&d); err != nil || d.State != "queued" || d.Job.Failed != 0 {
		t.Fatalf("%+v, %v", d, err)
	}
}

func TestWrongValuesStopTheStartWithASentenceEach(t *testing.T) {
	cmd := exec.Command(executable, "backend")
	cmd.Env = []string{"MONGODB_URI=mongo.example.com", "WORKER_COUNT=many", "DEBUG=perhaps", "ALLOWED_ORIGINS=*",
		"OPENAI_API_KEY=a", "OPENAI_API_KEY_FILE=/b", "INITIAL_ADMIN_PASSWORD=short1"}
	output, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatal("it started")
	}
	for _, sentence := range []string{
		"MONGODB_URI is wrong (its value is secret): it must be a mongodb:// or mongodb+srv:// connection string",
		`WORKER_COUNT is "many": it must be a whole number from 1 to 64`,
		`DEBUG is "perhaps": it must be True or False`,
		`ALLOWED_ORIGINS is "*": it must be a comma-separated list of origins`,
		"OPENAI_API_KEY and OPENAI_API_KEY_FILE are both set",
		"INITIAL_ADMIN_PASSWORD is wrong (its value is secret): it must be 8 to 1024 bytes long",
	} {
		if !strings.Contains(string(output), sentence) {
			t.Errorf("missing: %s", sentence)
		}
	}
	if lines := strings.Count(string(output), "\n"); lines != 6 || strings.Contains(string(output), "short1") {
		t.Errorf("output of %d lines:\n%s", lines, output)
	}
}

func TestSecretsNeverAppearInLogs(t *testing.T) {
	dir := t.TempDir()
	secret := func(name, value string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return name + "_FILE=" + path
	}
	rs := mongodtest.Start(t, mongodtest.Options{Auth: true, TLS: true})
	uri := rs.URIFor(rs.Username, rs.Password, "chatpdf")
	backend := startBackend(t, "", "MONGODB_URI=", secret("MONGODB_URI", uri), secret("OPENAI_API_KEY", "sk-very-secret"),
		"OPENAI_BASE_URL=http://"+freeAddress(t), "DEBUG=True")
	b := signIn(t, backend.url)
	b.do(http.MethodPost, "/api/v1/questions?token=in-the-query", map[string]string{"question": "Tell me about hippopotami"}, http.StatusOK, nil)
	_, j := b.upload("book.pdf", book(1), http.StatusAccepted)
	b.awaitJob(j.ID, "the job to be refused for lack of a model server", func(j job) bool { return j.Attempts > 0 })
	rs.Members[0].Kill()
	await(t, "the database to be missed", func() bool { return status(backend.url+"/readyz") != http.StatusOK })
	session := b.Jar.Cookies(&url.URL{Scheme: "http", Host: strings.TrimPrefix(backend.url, "http://")})[0].Value
	backend.terminate(t)
	<-backend.end
	log := backend.log.String()
	for _, leak := range []string{rs.Password, "sk-very-secret", adminPassword, session, "in-the-query", "hippopotami", "ultramarine"} {
		if strings.Contains(log, leak) {
			t.Errorf("%q is in the log:\n%s", leak, regexp.MustCompile(".*"+regexp.QuoteMeta(leak)+".*").FindString(log))
		}
	}
	if !strings.Contains(log, `"level":"DEBUG"`) {
		t.Error("nothing was logged at debug level")
	}
}

func countRows(t *testing.T, uri, name string) int64 {
	t.Helper()
	n, err := collection(t, uri, name).CountDocuments(t.Context(), bson.M{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func collection(t *testing.T, uri, name string) *mongo.Collection {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri).SetTimeout(30 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Disconnect(context.Background()) }) //nolint:errcheck // nothing is in flight
	parsed, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	return client.Database(strings.Trim(parsed.Path, "/")).Collection(name)
}
