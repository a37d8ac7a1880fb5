// Package proc identifies processes beyond doubt. A process id is reused; its
// id together with its start time and the boot it was started in is not. Only
// processes that were recorded this way are ever signalled.
package proc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Identity names one process of this machine.
type Identity struct {
	PID int `json:"pid"`
	// Started is the start time in clock ticks since boot: field 22 of
	// /proc/PID/stat.
	Started uint64 `json:"started"`
	// Boot is the kernel's random id of the boot.
	Boot string `json:"boot"`
}

// Identify returns the identity of a running process.
func Identify(pid int) (Identity, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Identity{}, fmt.Errorf("identifying process %d: %w", pid, err)
	}
	started, err := startTime(string(stat))
	if err != nil {
		return Identity{}, fmt.Errorf("identifying process %d: %w", pid, err)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Identity{}, fmt.Errorf("identifying process %d: %w", pid, err)
	}
	return Identity{PID: pid, Started: started, Boot: strings.TrimSpace(string(boot))}, nil
}

// startTime finds field 22. Field 2, the program's name in brackets, may hold
// spaces and brackets itself, so counting begins after its last bracket.
func startTime(stat string) (uint64, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	const afterName = 22 - 3
	if len(fields) <= afterName {
		return 0, fmt.Errorf("/proc/PID/stat has no start time: %q", stat)
	}
	return strconv.ParseUint(fields[afterName], 10, 64)
}

// Running reports whether this very process still runs. A process that has
// ended and waits to be reaped does not.
func (i Identity) Running() bool {
	if i.PID <= 0 {
		return false
	}
	now, err := Identify(i.PID)
	if err != nil || now != i {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", i.PID))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')'):]), " ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

// Kill kills the process and waits until it has ended, at most until ctx is
// done. A process that no longer runs is not an error; another process with
// the same id is left alone.
func (i Identity) Kill(ctx context.Context) error {
	if i.PID <= 0 {
		return nil
	}
	// The descriptor pins the process: once it is open, checking the identity
	// and then signalling cannot hit a process that took over the id.
	fd, err := unix.PidfdOpen(i.PID, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening process %d: %w", i.PID, err)
	}
	defer unix.Close(fd)
	if !i.Running() {
		return nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("killing process %d: %w", i.PID, err)
	}
	const pollEvery = 100 * time.Millisecond
	for {
		ended, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(pollEvery.Milliseconds()))
		switch {
		case ended > 0:
			return nil
		case err != nil && !errors.Is(err, unix.EINTR):
			return fmt.Errorf("waiting for process %d: %w", i.PID, err)
		case ctx.Err() != nil:
			return fmt.Errorf("process %d was killed and has not ended: %w", i.PID, ctx.Err())
		}
	}
}
