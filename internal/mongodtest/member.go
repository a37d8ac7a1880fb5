package mongodtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Member is one mongod process. Its methods are safe to call from several goroutines.
type Member struct {
	Address string // host:port on loopback, kept over restarts

	binary string
	dir    string
	args   []string

	mu      sync.Mutex
	process *os.Process
	ended   chan struct{} // closed when the process is gone
}

// Kill ends the process at once, as a power cut would, and waits until it is gone.
func (m *Member) Kill() { m.signal(syscall.SIGKILL) }

// Stop asks the process to end in good order and waits until it is gone.
func (m *Member) Stop() { m.signal(syscall.SIGTERM) }

// Freeze stops the process from running without ending it: connections stay and nothing answers.
func (m *Member) Freeze() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.process.Signal(syscall.SIGSTOP) //nolint:errcheck // a process that is gone answers nothing either
}

// Thaw lets a frozen process go on.
func (m *Member) Thaw() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.process.Signal(syscall.SIGCONT) //nolint:errcheck // see Freeze
}

// Restart starts a stopped or killed member again on its data and its address.
func (m *Member) Restart(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := m.start(ctx); err != nil {
		t.Fatal(err)
	}
}

// Log is what the process has written so far, for the message of a failed test.
func (m *Member) Log() string {
	log, _ := os.ReadFile(filepath.Join(m.dir, "mongod.log"))
	return string(log)
}

func (m *Member) signal(s syscall.Signal) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.process == nil {
		return
	}
	m.process.Signal(s)               //nolint:errcheck // a process that is gone needs no signal
	m.process.Signal(syscall.SIGCONT) //nolint:errcheck // a frozen process would not see SIGTERM
	<-m.ended
	m.process = nil
}

// start starts the process and waits until it accepts connections. A member without an address
// gets a free port; somebody else may take that port first, so it tries a few.
func (m *Member) start(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := os.MkdirAll(filepath.Join(m.dir, "db"), 0o700); err != nil {
		return fmt.Errorf("making mongod's directory: %w", err)
	}
	if m.Address != "" {
		return m.run(ctx, m.Address)
	}
	var err error
	for range 5 {
		var address string
		if address, err = freeAddress(ctx); err != nil {
			return err
		}
		if err = m.run(ctx, address); err == nil {
			m.Address = address
			return nil
		}
		if !strings.Contains(err.Error(), "Address already in use") {
			return err
		}
	}
	return err
}

func (m *Member) run(ctx context.Context, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("starting mongod: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(m.dir, "mongod.log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("starting mongod: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(m.binary, append([]string{"--port", port, "--dbpath", filepath.Join(m.dir, "db")}, m.args...)...)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = log, log, dieWithParent()
	started, ended := make(chan error), make(chan struct{})
	go func() {
		// The kernel ties the death signal to the thread that started the process, so that thread must live as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait() //nolint:errcheck // how it ended is in its log
		}
		close(ended)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("starting %s: %w", m.binary, err)
	}
	if err := accepting(ctx, address, ended); err != nil {
		cmd.Process.Kill() //nolint:errcheck // it may be gone already
		<-ended
		return fmt.Errorf("starting mongod at %s: %w; its log ends with:\n%s", address, err, tail(m.Log()))
	}
	m.process, m.ended = cmd.Process, ended
	return nil
}

// accepting waits until address accepts a connection while the process still lives.
func accepting(ctx context.Context, address string, ended <-chan struct{}) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			conn.Close()
			select {
			case <-ended:
				return errors.New("it ended at once")
			default:
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-ended:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

func tail(log string) string {
	lines := bytes.Split(bytes.TrimSpace([]byte(log)), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-15):], []byte("\n")))
}
