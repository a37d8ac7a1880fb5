package proc

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestStartTimeIsFoundBehindAnyName(t *testing.T) {
	const rest = " S 1 2 3 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 2 3"
	for _, name := range []string{"(init)", "(a b)", "(a) b (c)", "())"} {
		if got, err := startTime("17 " + name + rest); err != nil || got != 4711 {
			t.Errorf("%s: %d (%v)", name, got, err)
		}
	}
	if got, err := startTime("17 (init) S 1"); err == nil {
		t.Errorf("a short line has the start time %d", got)
	}
}

func TestKillEndsTheProcessItWasGivenForAndWaitsForIt(t *testing.T) {
	child := start(t)
	identity, err := Identify(child.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if !identity.Running() {
		t.Fatal("a running process is said not to run")
	}
	if err := identity.Kill(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if identity.Running() {
		t.Error("a killed process, not yet reaped, is said to run")
	}
	_ = child.Wait() // it was killed, and says so
	if err := identity.Kill(deadline(t)); err != nil {
		t.Errorf("killing what has ended: %v", err)
	}
}

func TestKillSparesAnotherProcessThatTookOverTheID(t *testing.T) {
	child := start(t)
	identity, err := Identify(child.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	earlier, otherBoot := identity, identity
	earlier.Started--
	otherBoot.Boot = "another"
	for _, stale := range []Identity{earlier, otherBoot, {}} {
		if stale.Running() {
			t.Errorf("%+v is said to run", stale)
		}
		if err := stale.Kill(deadline(t)); err != nil {
			t.Error(err)
		}
	}
	if !identity.Running() {
		t.Error("a process was killed that only shares the id")
	}
}

func start(t *testing.T) *exec.Cmd {
	t.Helper()
	child := exec.CommandContext(t.Context(), "cat")
	input, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { input.Close(); _ = child.Wait() })
	return child
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestIdentifyFailsForNoProcess(t *testing.T) {
	if got, err := Identify(os.Getpid() * -1); err == nil {
		t.Errorf("got %+v", got)
	}
}
