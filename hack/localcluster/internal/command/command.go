// Package command runs a program whose output is only of interest while it
// runs, or if it fails.
package command

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

const (
	// lastLines is how much of the output goes into an error.
	lastLines = 25
	maxLine   = 1 << 20
)

// Run runs cmd and gives every line that it writes to see, which reports
// whether the line is mere progress. The last lines that are not are part of
// the error if the program fails.
func Run(cmd *exec.Cmd, see func(line string) (progress bool)) error {
	output, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	var last []string
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(output)
		lines.Buffer(nil, maxLine)
		for lines.Scan() {
			line := strings.TrimRight(lines.Text(), " \r")
			if line != "" && !see(line) {
				last = append(last, line)
				last = last[max(0, len(last)-lastLines):]
			}
		}
		// A line beyond the limit ends the scanner; the program must not block.
		_, _ = io.Copy(io.Discard, output)
	}()
	err := cmd.Wait()
	writer.Close()
	<-read
	if err != nil && len(last) > 0 {
		return fmt.Errorf("%w\n%s", err, strings.Join(last, "\n"))
	}
	return err
}
