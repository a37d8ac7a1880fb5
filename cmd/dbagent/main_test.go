package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// asDBAgent makes the test's own binary behave as the program.
const asDBAgent = "TEST_AS_DBAGENT"

func TestMain(m *testing.M) {
	if os.Getenv(asDBAgent) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// output can be read while the program still writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func prepared(t *testing.T, args ...string) (*exec.Cmd, *output) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), self, args...)
	said := &output{}
	command.Env = append(os.Environ(), asDBAgent+"=1")
	command.Stdout, command.Stderr = said, said
	return command, said
}

// TestExecBecomesTheCommandWhenTheMemberIsReleased looks at one process: it is the agent's while the member is fenced, and then
// the command's, with the same id, so that signals reach it.
func TestExecBecomesTheCommandWhenTheMemberIsReleased(t *testing.T) {
	run := t.TempDir()
	marker := filepath.Join(run, "fenced")
	if err := os.WriteFile(marker, nil, 0o400); err != nil {
		t.Fatal(err)
	}
	command, said := prepared(t, "exec", "--run-dir", run, "--", "sleep", "60")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		command.Wait() //nolint:errcheck // it is killed
	}()
	defer func() {
		command.Process.Kill() //nolint:errcheck // it may have ended
		<-ended
	}()
	program := func() string {
		name, _ := os.Readlink(filepath.Join("/proc", strconv.Itoa(command.Process.Pid), "exe"))
		return filepath.Base(name)
	}
	deadline := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	released := false
	for program() != "sleep" {
		if !released && strings.Contains(said.String(), "fenced") {
			released = true
			if err := os.Remove(marker); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case <-tick.C:
		case <-ended:
			t.Fatalf("it ended: %s", said)
		case <-deadline:
			t.Fatalf("it is %s still: %s", program(), said)
		}
	}
	if !released {
		t.Error("it ran before it was released")
	}
}

func TestExecSaysThatThereIsNoSuchCommandWithTheCodeOfAShell(t *testing.T) {
	command, said := prepared(t, "exec", "--run-dir", t.TempDir(), "--", "no-such-mongod")
	command.Run() //nolint:errcheck // the code is what counts
	if code := command.ProcessState.ExitCode(); code != 127 || !strings.Contains(said.String(), "the image has no no-such-mongod") {
		t.Errorf("code %d: %s", code, said)
	}
	text := filepath.Join(t.TempDir(), "mongod")
	if err := os.WriteFile(text, []byte("no program"), 0o700); err != nil {
		t.Fatal(err)
	}
	command, said = prepared(t, "exec", "--run-dir", t.TempDir(), "--", text)
	command.Run() //nolint:errcheck // the code is what counts
	if code := command.ProcessState.ExitCode(); code != 126 || !strings.Contains(said.String(), "cannot be run") {
		t.Errorf("code %d: %s", code, said)
	}
}

func TestAMemberIsAliveWhileItIsFencedAndStarts(t *testing.T) {
	run := t.TempDir()
	command, said := prepared(t, "hello", "--run-dir", run, "--address", "127.0.0.1:1")
	if err := command.Run(); err == nil {
		t.Errorf("a mongod that does not run is alive: %s", said)
	}
	for marker, says := range map[string]string{"released": "starting", "fenced": "fenced"} {
		path := filepath.Join(run, marker)
		if err := os.WriteFile(path, nil, 0o400); err != nil {
			t.Fatal(err)
		}
		command, said = prepared(t, "hello", "--run-dir", run, "--address", "127.0.0.1:1")
		if err := command.Run(); err != nil || strings.TrimSpace(said.String()) != says {
			t.Errorf("%s: %v: %s", marker, err, said)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	// A mongod that was released long ago should answer.
	if err := os.WriteFile(filepath.Join(run, "released"), nil, 0o400); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(filepath.Join(run, "released"), long, long); err != nil {
		t.Fatal(err)
	}
	command, said = prepared(t, "hello", "--run-dir", run, "--address", "127.0.0.1:1")
	if err := command.Run(); err == nil {
		t.Errorf("a mongod that has not started in two hours is alive: %s", said)
	}
}
