// Command testall runs the tiers of tests one after the other and ends with a table of what ran.
//
// A tier goes on after a failure, so that one run tells everything; the exit status is 1 if anything
// failed, and 1 if a tier ran no test at all.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	flags := flag.NewFlagSet("testall", flag.ExitOnError)
	run := flags.String("run", "", "run only the Go tests that match this pattern")
	flags.Usage = func() {
		fmt.Fprintf(flags.Output(), `Runs the tests, tier by tier: %s.

usage: testall [-run PATTERN] [TIER...]

example: testall unit api
         testall -run Database e2e
`, strings.Join(tierNames(), ", "))
		flags.PrintDefaults()
	}
	// ExitOnError: Parse does not return an error.
	_ = flags.Parse(os.Args[1:])

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(runTiers(ctx, flags.Args(), *run))
}

func runTiers(ctx context.Context, wanted []string, pattern string) int {
	for _, name := range wanted {
		if !slices.Contains(tierNames(), name) {
			fmt.Fprintf(os.Stderr, "testall: no tier %q: choose from %s\n", name, strings.Join(tierNames(), ", "))
			return 2
		}
	}
	if len(wanted) == 0 {
		wanted = defaultTiers
	}
	settings, err := newSettings(ctx, pattern)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testall:", err)
		return 2
	}
	defer os.RemoveAll(settings.reports)
	var results []tierResult
	for _, tier := range tiers {
		if !slices.Contains(wanted, tier.name) {
			continue
		}
		fmt.Printf("\n== %s: %s\n", tier.name, tier.about)
		started := time.Now()
		result := tierResult{name: tier.name}
		for _, s := range tier.steps {
			if ctx.Err() != nil {
				result.counts.failed++
				break
			}
			result.counts.add(s.run(ctx, settings))
		}
		result.seconds = time.Since(started).Seconds()
		results = append(results, result)
	}
	return summary(os.Stdout, results)
}
