// Package supervise runs the programs of one namespace from its process 1:
// it starts them, starts them again when they end, and reaps every orphan of
// the namespace, which is process 1's duty.
//
// Nothing else in such a process may wait for children: a second waiter (the
// one inside os/exec) would race with the reaper.
package supervise

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Program is something to run.
type Program struct {
	Name string
	// Argv[0] is the absolute path of the program.
	Argv []string
	Env  []string
	// Log is the file that its output is appended to.
	Log string
	// Attributes hold the namespaces to start it in, if any.
	Attributes *syscall.SysProcAttr
	// Attach, if set, is called with the new process's id while the process
	// waits in Gate: the moment to give it a network link.
	Attach func(pid int) error
}

// State is what a supervisor tells about one program, in its status file.
type State struct {
	Name     string    `json:"name"`
	Log      string    `json:"log"`
	Running  bool      `json:"running"`
	Started  time.Time `json:"started"`
	Restarts int       `json:"restarts"`
	LastExit string    `json:"lastExit,omitempty"`
}

// Supervisor runs programs. Make one per process, with New.
type Supervisor struct {
	statusFile string
	log        *slog.Logger

	mu     sync.Mutex
	waiter map[int]chan syscall.WaitStatus
	states []*State
}

// New returns a supervisor that reaps from now on until ctx is done, and keeps
// its programs' states in statusFile.
func New(ctx context.Context, statusFile string, log *slog.Logger) *Supervisor {
	s := &Supervisor{statusFile: statusFile, log: log, waiter: map[int]chan syscall.WaitStatus{}}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	go func() {
		defer signal.Stop(ended)
		trim := time.NewTicker(trimEvery)
		defer trim.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ended:
				s.reap()
			case <-trim.C:
				s.trimLogs()
			}
		}
	}()
	return s
}

// reap collects every child that has ended: one signal may stand for several.
func (s *Supervisor) reap() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if waiter, ours := s.waiter[pid]; ours {
			delete(s.waiter, pid)
			waiter <- status
		}
	}
}

const (
	firstRestart = 200 * time.Millisecond
	lastRestart  = 10 * time.Second
	// steady is how long a program must have run for the next restart to be
	// quick again.
	steady = time.Minute
)

// Keep runs the program until ctx is done, and starts it again, later and
// later, whenever it ends.
func (s *Supervisor) Keep(ctx context.Context, p Program) {
	state := &State{Name: p.Name, Log: p.Log}
	s.mu.Lock()
	s.states = append(s.states, state)
	s.mu.Unlock()
	pause := firstRestart
	for {
		began := time.Now()
		ended, err := s.start(p)
		s.record(func() { state.Running, state.Started = err == nil, began })
		if err == nil {
			select {
			case <-ctx.Done():
				return
			case status := <-ended:
				err = exitError(status)
			}
		}
		s.log.Warn("program ended: it is started again", "program", p.Name, "error", err, "in", pause)
		s.record(func() { state.Running, state.LastExit, state.Restarts = false, describe(err), state.Restarts+1 })
		if time.Since(began) > steady {
			pause = firstRestart
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, lastRestart)
	}
}

// Run runs the program once, to its end.
func (s *Supervisor) Run(ctx context.Context, p Program) error {
	ended, err := s.start(p)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("running %s: %w", p.Name, ctx.Err())
	case status := <-ended:
		if err := exitError(status); err != nil {
			return fmt.Errorf("running %s (its output is in %s): %w", p.Name, p.Log, err)
		}
		return nil
	}
}

func (s *Supervisor) start(p Program) (<-chan syscall.WaitStatus, error) {
	output, err := os.OpenFile(p.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.Name, err)
	}
	defer output.Close()
	files := []*os.File{nil, output, output}
	var gate *os.File
	if p.Attach != nil {
		read, write, err := os.Pipe()
		if err != nil {
			return nil, fmt.Errorf("starting %s: %w", p.Name, err)
		}
		defer read.Close()
		defer write.Close()
		files, gate = append(files, read), write
	}
	// The lock is held over start and registration, so that the reaper cannot
	// collect the child before anyone waits for it.
	s.mu.Lock()
	defer s.mu.Unlock()
	process, err := os.StartProcess(p.Argv[0], p.Argv, &os.ProcAttr{Env: p.Env, Files: files, Sys: p.Attributes})
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.Name, err)
	}
	ended := make(chan syscall.WaitStatus, 1)
	s.waiter[process.Pid] = ended
	if p.Attach != nil {
		if err := p.Attach(process.Pid); err != nil {
			// With its gate closed unopened, the process ends by itself.
			s.log.Error("attaching failed", "program", p.Name, "error", err)
			return ended, process.Release()
		}
		if _, err := gate.Write([]byte{1}); err != nil {
			return nil, fmt.Errorf("starting %s: %w", p.Name, err)
		}
	}
	return ended, process.Release()
}

// Gate blocks a process that was started with Attach until its starter has
// attached it. If the starter died or failed before that, Gate fails.
func Gate() error {
	const firstExtraFile = 3
	gate := os.NewFile(firstExtraFile, "gate")
	defer gate.Close()
	if _, err := gate.Read(make([]byte, 1)); err != nil {
		return fmt.Errorf("the process that started this one did not finish its part: %w", err)
	}
	return nil
}

func (s *Supervisor) record(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	content, err := json.MarshalIndent(s.states, "", "  ")
	if err == nil {
		partial := s.statusFile + ".partial"
		err = errors.Join(os.WriteFile(partial, content, 0o644), os.Rename(partial, s.statusFile))
	}
	if err != nil {
		s.log.Error("writing the status file", "error", err)
	}
}

// Read returns the states in a status file, sorted by name. A file that is not
// there yet is an empty list.
func Read(statusFile string) ([]State, error) {
	content, err := os.ReadFile(statusFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading what runs: %w", err)
	}
	var states []State
	if err := json.Unmarshal(content, &states); err != nil {
		return nil, fmt.Errorf("reading what runs from %s: %w", filepath.Base(statusFile), err)
	}
	slices.SortFunc(states, func(a, b State) int { return strings.Compare(a.Name, b.Name) })
	return states, nil
}

func exitError(status syscall.WaitStatus) error {
	switch {
	case status.Signaled():
		return fmt.Errorf("killed by signal %q", status.Signal())
	case status.ExitStatus() != 0:
		return fmt.Errorf("exit status %d", status.ExitStatus())
	}
	return nil
}

func describe(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}
