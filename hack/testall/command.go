package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// check is a command that counts as one test: passed if it exits 0.
type check struct {
	name string
	dir  string // below the root; empty for the root
	args []string
}

func (c check) run(ctx context.Context, s settings) counts {
	started := time.Now()
	if err := stream(ctx, s, c.dir, nil, c.args...); err != nil {
		return broken(c.name, err)
	}
	fmt.Printf("ok   %-58s %17.1f s\n", c.name, time.Since(started).Seconds())
	return counts{passed: 1}
}

// stream runs a command with its output shown.
func stream(ctx context.Context, s settings, dir string, environment []string, args ...string) error {
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Dir = filepath.Join(s.root, dir)
	command.Env = append(os.Environ(), environment...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	return command.Run()
}

// npmTests is an npm script of the page whose runner writes a JSON report to the file named by report.
type npmTests struct {
	name   string
	script string
	args   func(report string) []string
	env    func(ctx context.Context, s settings, report string) ([]string, error)
	count  func(report []byte) (counts, error)
}

const webDirectory = "app/web"

func (n npmTests) run(ctx context.Context, s settings) counts {
	report := filepath.Join(s.reports, n.script+".json")
	var environment []string
	if n.env != nil {
		var err error
		if environment, err = n.env(ctx, s, report); err != nil {
			return broken(n.name, err)
		}
	}
	args := []string{"npm", "run", "--silent", n.script}
	if n.args != nil {
		args = append(append(args, "--"), n.args(report)...)
	}
	runErr := stream(ctx, s, webDirectory, environment, args...)
	raw, err := os.ReadFile(report)
	if err != nil {
		return broken(n.name, fmt.Errorf("no report was written: %w", errors.Join(err, runErr)))
	}
	counted, err := n.count(raw)
	if err != nil {
		return broken(n.name, err)
	}
	if runErr != nil && counted.failed == 0 {
		counted.add(broken(n.name, runErr))
	}
	return counted
}

// countVitest reads vitest's JSON report.
func countVitest(raw []byte) (counts, error) {
	var report struct {
		NumPassedTests, NumFailedTests, NumPendingTests, NumTodoTests int

		TestResults []struct {
			AssertionResults []struct{ FullName, Status string }
		}
	}
	if err := json.Unmarshal(raw, &report); err != nil {
		return counts{}, fmt.Errorf("reading vitest's report: %w", err)
	}
	counted := counts{passed: report.NumPassedTests, failed: report.NumFailedTests, skipped: report.NumPendingTests + report.NumTodoTests}
	for _, file := range report.TestResults {
		for _, test := range file.AssertionResults {
			if test.Status == "failed" {
				counted.failures = append(counted.failures, "page: "+test.FullName)
			}
		}
	}
	return counted, nil
}

// playwrightSuite is a file or a group of tests in Playwright's JSON report.
type playwrightSuite struct {
	File   string
	Suites []playwrightSuite
	Specs  []struct {
		Title string
		Tests []struct{ Status string }
	}
}

// failures names the tests that failed, flaky ones too.
func (s playwrightSuite) failures() []string {
	var names []string
	for _, inner := range s.Suites {
		names = append(names, inner.failures()...)
	}
	for _, spec := range s.Specs {
		for _, test := range spec.Tests {
			if test.Status == "unexpected" || test.Status == "flaky" {
				names = append(names, fmt.Sprintf("page: %s: %s (%s)", s.File, spec.Title, test.Status))
			}
		}
	}
	return names
}

// countPlaywright reads Playwright's JSON report; a flaky test counts as failed.
func countPlaywright(raw []byte) (counts, error) {
	var report struct {
		Suites []playwrightSuite
		Stats  struct{ Expected, Unexpected, Flaky, Skipped int }
	}
	if err := json.Unmarshal(raw, &report); err != nil {
		return counts{}, fmt.Errorf("reading Playwright's report: %w", err)
	}
	return counts{
		passed:   report.Stats.Expected,
		failed:   report.Stats.Unexpected + report.Stats.Flaky,
		skipped:  report.Stats.Skipped,
		failures: playwrightSuite{Suites: report.Suites}.failures(),
	}, nil
}
