//go:build linux

package pdf

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"chatpdf.dev/operator/app/pdf/pdftest"
)

func TestChildDiesWithItsParent(t *testing.T) {
	// The child holds the writing end of a named pipe: the reading end ends when the child has ended.
	fifo := filepath.Join(t.TempDir(), "alive")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := script(t, "exec 3> "+fifo+"; echo started >&3; exec sleep 600").Executable
	parent := exec.Command(executable, "parent", child, write(t, []byte("%PDF-")))
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	alive, err := os.Open(fifo) // waits for the child
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	if _, err := io.ReadFull(alive, make([]byte, len("started\n"))); err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	parent.Wait() //nolint:errcheck // it was killed
	if rest, err := io.ReadAll(alive); err != nil || len(rest) > 0 {
		t.Fatalf("the child said %q, %v", rest, err)
	}
}

func runChild(t *testing.T, stdin io.Reader, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errors bytes.Buffer
	cmd := exec.Command(chatpdfBinary(t), append([]string{"extract"}, args...)...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = []string{}, stdin, &out, &errors
	cmd.Run() //nolint:errcheck // the code says it
	return out.String(), errors.String(), cmd.ProcessState.ExitCode()
}

func TestExtractReadsAPipeToo(t *testing.T) {
	data := pdftest.Write(pdftest.Prose("Through the pipe."))
	out, stderr, code := runChild(t, io.MultiReader(bytes.NewReader(data)), "--cache-dir", cacheDir(t))
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != exitOK || len(lines) != 3 || lines[0] != `{"pages":1}` || !strings.Contains(lines[1], "Through the pipe.") || lines[2] != `{"done":true}` {
		t.Errorf("code %d, output %q, errors %q", code, out, stderr)
	}
}

func TestExtractExplainsItself(t *testing.T) {
	if out, stderr, code := runChild(t, nil, "--help"); code != exitOK || !strings.Contains(out, "Usage:") {
		t.Errorf("--help: code %d, %q", code, stderr)
	}
	for _, args := range [][]string{{"--max-pages", "0"}, {"--max-memory", "1"}, {"--max-time", "1ms"}, {"file.pdf"}, {"--nonsense"}} {
		if _, stderr, code := runChild(t, nil, args...); code != exitUsage || stderr == "" {
			t.Errorf("%v: code %d, %q", args, code, stderr)
		}
	}
}
