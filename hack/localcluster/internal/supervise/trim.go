package supervise

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

const (
	trimEvery = time.Minute
	// maxLog bounds the log of one program, and the older part kept beside it.
	maxLog = 64 << 20
)

// trimLogs keeps the logs of all programs bounded.
func (s *Supervisor) trimLogs() {
	s.mu.Lock()
	var logs []string
	for _, state := range s.states {
		logs = append(logs, state.Log)
	}
	s.mu.Unlock()
	for _, log := range logs {
		if err := trim(log, maxLog); err != nil {
			s.log.Error("trimming a log", "error", err)
		}
	}
}

// trim empties a log that has grown beyond limit, and keeps a copy of what it
// held in log.1. The program goes on writing to the same file: it was opened
// for appending, so the next line becomes the first.
func trim(log string, limit int64) error {
	info, err := os.Stat(log)
	if errors.Is(err, os.ErrNotExist) || (err == nil && info.Size() <= limit) {
		return nil
	}
	if err != nil {
		return err
	}
	in, err := os.Open(log)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(log + ".1")
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close(), os.Truncate(log, 0)); err != nil {
		return fmt.Errorf("trimming %s: %w", log, err)
	}
	return nil
}
