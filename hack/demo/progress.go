package main

import (
	"fmt"
	"io"
	"time"
)

// progress prints what is being done, with the seconds since the start.
type progress struct {
	out     io.Writer
	started time.Time
	last    string
}

func newProgress(out io.Writer, started time.Time) *progress {
	return &progress{out: out, started: started}
}

// step starts a part of the work.
func (p *progress) step(format string, args ...any) {
	p.last = ""
	fmt.Fprintf(p.out, "%5.1f s  %s\n", time.Since(p.started).Seconds(), fmt.Sprintf(format, args...))
}

// now says how a part goes on; saying the same again prints nothing.
func (p *progress) now(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if line == p.last {
		return
	}
	p.last = line
	fmt.Fprintf(p.out, "%5.1f s    %s\n", time.Since(p.started).Seconds(), line)
}
