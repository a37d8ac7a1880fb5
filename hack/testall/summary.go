package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// maxFailures bounds how many failed tests the summary names.
const maxFailures = 40

// counts is how many tests ended how, and the names of those that failed.
type counts struct {
	passed, failed, skipped int
	failures                []string
}

func (c *counts) add(other counts) {
	c.passed += other.passed
	c.failed += other.failed
	c.skipped += other.skipped
	c.failures = append(c.failures, other.failures...)
}

func (c *counts) fail(name string) {
	c.failed++
	c.failures = append(c.failures, name)
}

func (c counts) ran() int { return c.passed + c.failed + c.skipped }

// tierResult is one row of the table at the end.
type tierResult struct {
	name    string
	counts  counts
	seconds float64
}

// summary prints the table, what failed and the closing line, and answers the exit status.
func summary(out io.Writer, results []tierResult) int {
	status := 0
	var total counts
	var seconds float64
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "\ntier\tpassed\tfailed\tskipped\tseconds\t\n")
	for _, r := range results {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%.0f\t\n", r.name, r.counts.passed, r.counts.failed, r.counts.skipped, r.seconds)
		if r.counts.failed > 0 || r.counts.passed == 0 {
			status = 1
		}
		total.add(r.counts)
		seconds += r.seconds
	}
	fmt.Fprintf(table, "all\t%d\t%d\t%d\t%.0f\t\n", total.passed, total.failed, total.skipped, seconds)
	// A write to the terminal that fails leaves nothing better to do than the exit status.
	_ = table.Flush()
	for i, name := range total.failures {
		if i == 0 {
			fmt.Fprint(out, "\nfailed:\n")
		}
		if i == maxFailures {
			fmt.Fprintf(out, "  and %d more\n", len(total.failures)-maxFailures)
			break
		}
		fmt.Fprintln(out, "  "+name)
	}
	fmt.Fprintf(out, "\n%d passed, %d failed, %d skipped\n", total.passed, total.failed, total.skipped)
	return status
}
