package supervise

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The supervisor reaps every child of the process, so no test here may use
// os/exec beside it.

func shell(dir, name, script string) Program {
	return Program{Name: name, Argv: []string{"/bin/sh", "-c", script}, Env: os.Environ(), Log: filepath.Join(dir, name+".log")}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("never so: %s", what)
		case <-tick.C:
		}
	}
}

func TestProgramsAreSupervised(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	dir := t.TempDir()
	status := filepath.Join(dir, "status.json")
	s := New(ctx, status, slog.New(slog.DiscardHandler))

	t.Run("one that ends is started again and says why it ended", func(t *testing.T) {
		go s.Keep(ctx, shell(dir, "crashing", "echo again; exit 3"))
		eventually(t, "two restarts with exit status 3", func() bool {
			states, err := Read(status)
			return err == nil && len(states) > 0 && states[0].Restarts >= 2 && states[0].LastExit == "exit status 3"
		})
		output, err := os.ReadFile(filepath.Join(dir, "crashing.log"))
		if err != nil || strings.Count(string(output), "again\n") < 2 {
			t.Errorf("its log holds %q (%v)", output, err)
		}
	})
	t.Run("one that is run once reports its failure and where its output is", func(t *testing.T) {
		if err := s.Run(ctx, shell(dir, "fine", "exit 0")); err != nil {
			t.Error(err)
		}
		err := s.Run(ctx, shell(dir, "failing", "exit 7"))
		if err == nil || !strings.Contains(err.Error(), "exit status 7") || !strings.Contains(err.Error(), "failing.log") {
			t.Errorf("got %v", err)
		}
		if err := s.Run(ctx, shell(dir, "killed", "kill -9 $$")); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("one that is not there is an error, not a hang", func(t *testing.T) {
		if err := s.Run(ctx, Program{Name: "none", Argv: []string{filepath.Join(dir, "none")}, Log: filepath.Join(dir, "none.log")}); err == nil {
			t.Error("a program that does not exist ran")
		}
	})
	t.Run("one that has to be attached starts only after that", func(t *testing.T) {
		attached := filepath.Join(dir, "attached")
		p := shell(dir, "gated", "read -n 1 x <&3; test -e "+attached)
		p.Argv[0] = "/bin/bash"
		p.Attach = func(int) error { return os.WriteFile(attached, nil, 0o644) }
		if err := s.Run(ctx, p); err != nil {
			t.Error(err)
		}
		p.Attach = func(int) error { return os.ErrPermission }
		p.Argv[2] = "read -n 1 x <&3"
		if err := s.Run(ctx, p); err == nil {
			t.Error("a program went on that could not be attached")
		}
	})
}

func TestStatusOfNothingIsEmpty(t *testing.T) {
	if states, err := Read(filepath.Join(t.TempDir(), "none.json")); err != nil || states != nil {
		t.Errorf("got %v (%v)", states, err)
	}
}
