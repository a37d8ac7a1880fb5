package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

func event(action, test, output string) string {
	return fmt.Sprintf(`{"Action":%q,"Package":"p","Test":%q,"Output":%q}`, action, test, output)
}

func TestGoTestsAreCountedOnceAndOnlyLeaves(t *testing.T) {
	for _, test := range []struct {
		name   string
		events []string
		want   counts
		shown  string
	}{
		{"a test without subtests", []string{event("run", "TestA", ""), event("pass", "TestA", ""), event("pass", "", "")}, counts{passed: 1}, "ok "},
		{"subtests count, their parent does not", []string{
			event("run", "TestA", ""), event("run", "TestA/x", ""), event("run", "TestA/y", ""),
			event("pass", "TestA/x", ""), event("fail", "TestA/y", ""), event("fail", "TestA", ""), event("fail", "", ""),
		}, counts{passed: 1, failed: 1, failures: []string{"p TestA/y"}}, "FAIL p TestA/y"},
		{"a failure shows what the test printed", []string{
			event("run", "TestA", ""), event("output", "TestA", "want 1, got 2\n"), event("fail", "TestA", ""), event("fail", "", ""),
		}, counts{failed: 1, failures: []string{"p TestA"}}, "want 1, got 2"},
		{"a skipped test says why", []string{
			event("run", "TestA", ""), event("output", "TestA", "    a_test.go:3: no database here\n"), event("skip", "TestA", ""), event("pass", "", ""),
		}, counts{skipped: 1}, "no database here"},
		{"a package that ends without a failed test has failed all the same", []string{event("output", "", "panic: out of cheese\n"), event("fail", "", "")}, counts{failed: 1, failures: []string{"p"}}, "out of cheese"},
		{"a package that does not build fails once", []string{
			`{"Action":"build-fail","ImportPath":"p [p.test]"}`, event("fail", "", ""),
		}, counts{failed: 1, failures: []string{"p"}}, "does not build"},
		{"notes are shown as they come", []string{event("run", "TestA", ""), event("output", "TestA", "NOTE kill 3 acknowledged 10 lost 0\n"), event("pass", "TestA", ""), event("pass", "", "")}, counts{passed: 1}, "kill 3 acknowledged 10 lost 0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			got := countGoTests(strings.NewReader(strings.Join(test.events, "\n")), &out)
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("counted %+v, want %+v", got, test.want)
			}
			if !strings.Contains(out.String(), test.shown) {
				t.Errorf("showed %q, want %q in it", out.String(), test.shown)
			}
		})
	}
}

func TestTheSummaryNamesWhatFailed(t *testing.T) {
	page, err := countPlaywright([]byte(`{
		"suites": [{"file": "a.spec.ts", "specs": [
			{"title": "fine", "tests": [{"status": "expected"}]},
			{"title": "broken", "tests": [{"status": "unexpected"}]}],
			"suites": [{"file": "a.spec.ts", "specs": [{"title": "now and then", "tests": [{"status": "flaky"}]}]}]}],
		"stats": {"expected": 1, "unexpected": 1, "flaky": 1}}`))
	if err != nil {
		t.Fatal(err)
	}
	units, err := countVitest([]byte(`{"numPassedTests": 1, "numFailedTests": 1, "testResults": [{"assertionResults": [
		{"fullName": "adds", "status": "passed"}, {"fullName": "divides", "status": "failed"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if status := summary(&out, []tierResult{{name: "web", counts: page}, {name: "units", counts: units}}); status != 1 {
		t.Errorf("exit status %d, want 1", status)
	}
	for _, want := range []string{"page: a.spec.ts: broken (unexpected)", "page: a.spec.ts: now and then (flaky)", "page: divides"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the summary does not name %q:\n%s", want, out.String())
		}
	}
	if !strings.HasSuffix(out.String(), "\n2 passed, 3 failed, 0 skipped\n") {
		t.Errorf("the summary does not end with its totals:\n%s", out.String())
	}
}

func TestAnInterruptWaitsForTestsToTakeDownWhatTheyHavePutUp(t *testing.T) {
	module := t.TempDir()
	for name, content := range map[string]string{"go.mod": "module example.com/slow\n\ngo 1.26\n", "slow_test.go": `package slow

import (
	"os"
	"os/signal"
	"testing"
)

func TestMain(m *testing.M) {
	told := make(chan os.Signal, 1)
	signal.Notify(told, os.Interrupt)
	os.WriteFile("up", nil, 0o600)
	<-told
	os.WriteFile("down", nil, 0o600)
	os.Exit(1)
}
`} {
		if err := os.WriteFile(filepath.Join(module, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	up := filepath.Join(module, "up")
	if err := syscall.Mkfifo(up, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		os.ReadFile(up) //nolint:errcheck // it returns once the test has written there
		cancel()
	}()
	if c := (goTest{packages: []string{"."}, env: func(context.Context, settings) ([]string, error) { return []string{"GOWORK=off"}, nil }}).run(ctx, settings{root: module}); c.failed == 0 {
		t.Errorf("it counted %+v", c)
	}
	if _, err := os.Stat(filepath.Join(module, "down")); err != nil {
		t.Errorf("the test was not waited for: %v", err)
	}
}
