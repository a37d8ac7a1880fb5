package podtest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// startTimeout bounds the wait for mongod to accept connections; loaded two-core machines need
// several seconds.
const startTimeout = time.Minute

// process is one mongod in a mount namespace of its own.
type process struct {
	process *os.Process
	ended   chan struct{} // closed when it is gone
}

// startProcess starts the command with its own /etc/hosts and waits until the address accepts
// connections.
func startProcess(hostsFile, logFile, address string, command ...string) (*process, error) {
	log, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	namespaces := []string{"--mount"}
	if os.Geteuid() != 0 {
		namespaces = append(namespaces, "--user", "--map-root-user")
	}
	// The last exec asks for the death signal again: entering a user namespace clears it.
	script := `mount --bind "$0" /etc/hosts && exec setpriv --pdeathsig KILL "$@"`
	cmd := exec.Command("unshare", append(append(namespaces, "sh", "-c", script, hostsFile), command...)...)
	cmd.Stdout, cmd.Stderr = log, log
	started, ended := make(chan error), make(chan struct{})
	go func() {
		// The kernel ties the death signal to the thread that started the process.
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
		return nil, fmt.Errorf("starting mongod: %w", err)
	}
	p := &process{process: cmd.Process, ended: ended}
	if err := p.accepts(address); err != nil {
		p.kill()
		output, _ := os.ReadFile(logFile)
		return nil, fmt.Errorf("starting mongod at %s: %w; its log ends with:\n%s", address, err, output[max(0, len(output)-2000):])
	}
	return p, nil
}

func (p *process) accepts(address string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(startTimeout)
	for {
		if conn, err := net.Dial("tcp", address); err == nil { //nolint:noctx // loopback answers at once
			conn.Close()
			return nil
		}
		select {
		case <-tick.C:
		case <-p.ended:
			return errors.New("it ended at once")
		case <-deadline:
			return errors.New("it accepts no connection")
		}
	}
}

func (p *process) stop() { p.signal(syscall.SIGTERM) }

func (p *process) kill() { p.signal(syscall.SIGKILL) }

func (p *process) signal(s syscall.Signal) {
	p.process.Signal(s) //nolint:errcheck // a process that is gone needs no signal
	p.thaw()            // a frozen process would not see SIGTERM
	<-p.ended
}

// freeze returns when no thread runs any more, which on a busy machine may take a while.
func (p *process) freeze() {
	p.process.Signal(syscall.SIGSTOP) //nolint:errcheck // one that is gone answers nothing either
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(startTimeout)
	for !p.stopped() {
		select {
		case <-tick.C:
		case <-p.ended:
			return
		case <-deadline:
			return // whoever asks it now finds out
		}
	}
}

// stopped says that every thread is (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
func (p *process) stopped() bool {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.process.Pid))
	for _, file := range files {
		stat, _ := os.ReadFile(file)
		_, after, _ := bytes.Cut(stat, []byte(") ")) // the name before may hold anything
		if !bytes.HasPrefix(after, []byte("T")) {
			return false
		}
	}
	return err == nil && len(files) > 0
}

func (p *process) thaw() { p.process.Signal(syscall.SIGCONT) } //nolint:errcheck // see freeze
