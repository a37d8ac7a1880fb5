package pdf

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"syscall"

	"golang.org/x/sys/unix"
)

// confine lowers what this process may use. The WebAssembly memory has its own limit, half of
// limits.Memory; this is what holds when something else runs away.
func confine(limits Limits) error {
	// What Go, the compiled module and its compilation take besides: 420 MB of address space when
	// the cache is cold, measured with PDFium of go-pdfium 1.20.
	const base = 512 << 20
	seconds := uint64(limits.Time.Seconds()) + 1
	wanted := []struct {
		name     string
		resource int
		value    uint64
	}{
		{"data", unix.RLIMIT_DATA, uint64(limits.Memory) + base},
		{"CPU time", unix.RLIMIT_CPU, seconds},
		{"core dump", unix.RLIMIT_CORE, 0},
		{"file size", unix.RLIMIT_FSIZE, 256 << 20}, // the compilation cache
		{"open files", unix.RLIMIT_NOFILE, 64},
	}
	for _, w := range wanted {
		var now unix.Rlimit
		if err := unix.Getrlimit(w.resource, &now); err != nil {
			return fmt.Errorf("read the limit of %s: %w", w.name, err)
		}
		value := min(w.value, now.Max)
		if err := syscall.Setrlimit(w.resource, &syscall.Rlimit{Cur: value, Max: value}); err != nil {
			return fmt.Errorf("lower the limit of %s to %d: %w", w.name, value, err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new privileges: %w", err)
	}
	debug.SetMemoryLimit(limits.Memory)
	// When memory runs out in the container the kernel shall take this process, not its parent. Where
	// it may not be written (some sandboxes) the rest has to do.
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0); err != nil && !errors.Is(err, os.ErrPermission) && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("volunteer for the kernel's out-of-memory handling: %w", err)
	}
	return nil
}

// bind lets the child die with the parent. The signal is sent when the thread that started the child
// ends, so the caller must stay on its thread (runtime.LockOSThread) while the child runs.
func bind(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
