package main

import (
	"fmt"
	"strings"
	"testing"
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
		}, counts{passed: 1, failed: 1}, "FAIL p TestA/y"},
		{"a failure shows what the test printed", []string{
			event("run", "TestA", ""), event("output", "TestA", "want 1, got 2\n"), event("fail", "TestA", ""), event("fail", "", ""),
		}, counts{failed: 1}, "want 1, got 2"},
		{"a skipped test says why", []string{
			event("run", "TestA", ""), event("output", "TestA", "    a_test.go:3: no database here\n"), event("skip", "TestA", ""), event("pass", "", ""),
		}, counts{skipped: 1}, "no database here"},
		{"a package that ends without a failed test has failed all the same", []string{event("output", "", "panic: out of cheese\n"), event("fail", "", "")}, counts{failed: 1}, "out of cheese"},
		{"a package that does not build fails once", []string{
			`{"Action":"build-fail","ImportPath":"p [p.test]"}`, event("fail", "", ""),
		}, counts{failed: 1}, "does not build"},
		{"notes are shown as they come", []string{event("run", "TestA", ""), event("output", "TestA", "NOTE kill 3 acknowledged 10 lost 0\n"), event("pass", "TestA", ""), event("pass", "", "")}, counts{passed: 1}, "kill 3 acknowledged 10 lost 0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			got := countGoTests(strings.NewReader(strings.Join(test.events, "\n")), &out)
			if got != test.want {
				t.Errorf("counted %+v, want %+v", got, test.want)
			}
			if !strings.Contains(out.String(), test.shown) {
				t.Errorf("showed %q, want %q in it", out.String(), test.shown)
			}
		})
	}
}
