package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// maxFailureOutput bounds what is kept of one test's output to show it when the test fails, in bytes.
const maxFailureOutput = 64 << 10

// goTest is one call of go test.
type goTest struct {
	dir      string   // module directory below the root; empty for the root
	packages []string // patterns; empty: what packagesFrom answers
	list     func(ctx context.Context, s settings) ([]string, error)
	flags    []string
	env      func(ctx context.Context, s settings) ([]string, error)
}

func (g goTest) run(ctx context.Context, s settings) counts {
	packages := g.packages
	if g.list != nil {
		var err error
		if packages, err = g.list(ctx, s); err != nil {
			return broken("listing packages", err)
		}
	}
	var environment []string
	if g.env != nil {
		var err error
		if environment, err = g.env(ctx, s); err != nil {
			return broken("preparing", err)
		}
	}
	args := append([]string{"test", "-json"}, g.flags...)
	if s.pattern != "" {
		args = append(args, "-run", s.pattern)
	}
	command := exec.CommandContext(ctx, "go", append(args, packages...)...)
	command.Dir = s.root
	if g.dir != "" {
		command.Dir = s.root + "/" + g.dir
	}
	command.Env = append(os.Environ(), environment...)
	command.Stderr = os.Stderr
	// Killed, it would leave what tests have put up. Interrupted, with all that it runs, it waits until they have taken it down.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGINT) }
	command.WaitDelay = takeDown
	events, err := command.StdoutPipe()
	if err != nil {
		return broken("go test", err)
	}
	if err := command.Start(); err != nil {
		return broken("go test", err)
	}
	counted := countGoTests(events, os.Stdout)
	if err := command.Wait(); err != nil && counted.failed == 0 {
		counted.add(broken("go test", err))
	}
	return counted
}

// takeDown is how long tests that were told to end may take for it.
const takeDown = 3 * time.Minute

// goTestEvent is what go test -json prints, see `go doc test2json`.
type goTestEvent struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

// countGoTests reads go test -json, shows a line for each package and the output of what failed, and
// counts the tests that have no subtests of their own.
func countGoTests(events io.Reader, out io.Writer) counts {
	var all counts
	packages := map[string]*counts{}
	output := map[string]*strings.Builder{}
	parents := map[string]bool{}
	keep := func(key, text string) {
		b := output[key]
		if b == nil {
			b = &strings.Builder{}
			output[key] = b
		}
		if b.Len() < maxFailureOutput {
			b.WriteString(text)
		}
	}
	scanner := bufio.NewScanner(events)
	scanner.Buffer(nil, 8<<20)
	for scanner.Scan() {
		var e goTestEvent
		if json.Unmarshal(scanner.Bytes(), &e) != nil {
			fmt.Fprintln(out, scanner.Text())
			continue
		}
		key := e.Package + " " + e.Test
		inPackage := packages[e.Package]
		if inPackage == nil {
			inPackage = &counts{}
			packages[e.Package] = inPackage
		}
		switch e.Action {
		case "run":
			if i := strings.LastIndex(e.Test, "/"); i > 0 {
				parents[e.Package+" "+e.Test[:i]] = true
			}
		case "output":
			note, isNote := strings.CutPrefix(strings.TrimSpace(e.Output), "NOTE ")
			switch {
			case isNote:
				fmt.Fprintln(out, "     "+note)
			case e.Test != "":
				keep(key, e.Output)
			case !ownLine(e.Output):
				// What a package prints outside its tests is progress, such as that of a cluster
				// coming up: it is worth seeing while it happens.
				fmt.Fprint(out, "     ", e.Output)
			}
		case "build-output":
			fmt.Fprint(out, e.Output)
		case "build-fail":
			fmt.Fprintf(out, "FAIL %s does not build\n", e.ImportPath)
		case "pass", "skip":
			switch {
			case e.Test == "":
				showPackage(out, e, *inPackage)
				all.add(*inPackage)
			case parents[key]:
			case e.Action == "pass":
				inPackage.passed++
			default:
				inPackage.skipped++
				fmt.Fprintf(out, "skip %s %s: %s\n", e.Package, e.Test, reasonOfSkip(output[key]))
			}
			delete(output, key)
		case "fail":
			switch {
			case e.Test == "":
				if inPackage.failed == 0 {
					inPackage.fail(e.Package)
				}
				showPackage(out, e, *inPackage)
				all.add(*inPackage)
			default:
				if !parents[key] {
					inPackage.fail(e.Package + " " + e.Test)
				}
				fmt.Fprintf(out, "FAIL %s %s\n", e.Package, e.Test)
				showOutput(out, output[key])
			}
		}
	}
	if err := scanner.Err(); err != nil {
		all.add(broken("reading go test's events", err))
	}
	return all
}

// ownLine says that a line is go test's own summary of a package, which showPackage gives better.
func ownLine(line string) bool {
	for _, word := range []string{"PASS", "FAIL", "ok  ", "?   ", "coverage:", "exit status"} {
		if strings.HasPrefix(line, word) {
			return true
		}
	}
	return strings.TrimSpace(line) == ""
}

func showPackage(out io.Writer, e goTestEvent, c counts) {
	if c.ran() == 0 {
		return
	}
	word := "ok  "
	if c.failed > 0 {
		word = "FAIL"
	}
	fmt.Fprintf(out, "%s %-58s %4d tests %6.1f s\n", word, e.Package, c.passed+c.failed, e.Elapsed)
}

func showOutput(out io.Writer, output *strings.Builder) {
	if output == nil {
		return
	}
	for line := range strings.Lines(output.String()) {
		fmt.Fprint(out, "     ", line)
	}
}

func reasonOfSkip(output *strings.Builder) string {
	if output == nil {
		return "no reason given"
	}
	for line := range strings.Lines(output.String()) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") {
			return line
		}
	}
	return "no reason given"
}

// broken counts a step that could not even run as one failure, and says why.
func broken(doing string, err error) counts {
	fmt.Printf("FAIL %s: %v\n", doing, err)
	return counts{failed: 1, failures: []string{fmt.Sprintf("%s: %v", doing, err)}}
}
