// Package console shows a person what is going on: one line per step, with
// the time it took. On a terminal the running step is redrawn in place;
// elsewhere (a log, CI) a step is written when it ends, and once every half
// minute while it runs, so that a long build never looks hung.
package console

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

const (
	redrawEvery = 200 * time.Millisecond
	remindEvery = 30 * time.Second
)

// Console writes steps to one writer.
type Console struct {
	out      io.Writer
	terminal bool
	began    time.Time
}

// New returns a console on f. Colour and redrawing are used only where f is a
// terminal.
func New(f *os.File) *Console {
	info, err := f.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	return &Console{out: f, terminal: terminal, began: time.Now()}
}

// Elapsed is the time since the console was made.
func (c *Console) Elapsed() time.Duration { return time.Since(c.began) }

// Say writes one line.
func (c *Console) Say(format string, args ...any) {
	fmt.Fprintf(c.out, format+"\n", args...)
}

// Step runs do and shows its name, what it last reported and its duration.
// The error of do is returned as it is.
func (c *Console) Step(name string, do func(*Step) error) error {
	s := &Step{console: c, name: name, began: time.Now()}
	stop := make(chan struct{})
	var drawn sync.WaitGroup
	drawn.Go(func() { s.draw(stop) })
	err := do(s)
	close(stop)
	drawn.Wait()
	s.finish(err)
	return err
}

// Step is a step under way.
type Step struct {
	console *Console
	name    string
	began   time.Time

	mu     sync.Mutex
	detail string
}

// Report says how far the step is. It may be called from any goroutine.
func (s *Step) Report(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.detail = fmt.Sprintf(format, args...)
}

func (s *Step) draw(stop <-chan struct{}) {
	every := remindEvery
	if s.console.terminal {
		every = redrawEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if s.console.terminal {
			fmt.Fprintf(s.console.out, "\r\x1b[K%s", s.line("…"))
		}
		select {
		case <-stop:
			return
		case <-tick.C:
			if !s.console.terminal {
				fmt.Fprintln(s.console.out, s.line("…"))
			}
		}
	}
}

func (s *Step) finish(err error) {
	mark, erase := "✓", ""
	if err != nil {
		mark = "✗"
	}
	if s.console.terminal {
		colour := "32"
		if err != nil {
			colour = "31"
		}
		mark, erase = "\x1b["+colour+"m"+mark+"\x1b[0m", "\r\x1b[K"
	}
	fmt.Fprintf(s.console.out, "%s%s\n", erase, s.line(mark))
}

func (s *Step) line(mark string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := fmt.Sprintf("%s %7.1f s  %s", mark, time.Since(s.began).Seconds(), s.name)
	if s.detail != "" {
		line += "  (" + s.detail + ")"
	}
	return line
}
