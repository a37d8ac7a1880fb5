package preflight

import (
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

func TestAFullDiskIsNamedWithTheFlagThatHelps(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "not", "there", "yet")
	if err := disk(missing, "--cache", 1); err != nil {
		t.Errorf("a directory that is still to be made: %v", err)
	}
	if err := disk(missing, "--cache", math.MaxUint64); err == nil || !strings.Contains(err.Error(), "--cache") {
		t.Errorf("got %v", err)
	}
}

func TestAvailableMemoryIsReadInBytes(t *testing.T) {
	got, err := available([]byte("MemTotal:       100 kB\nMemFree: 1 kB\nMemAvailable:   24 kB\n"))
	if err != nil || got != 24*1024 {
		t.Errorf("got %d (%v)", got, err)
	}
	if got, err := available([]byte("MemTotal: 100 kB\n")); err == nil {
		t.Errorf("got %d from a kernel that does not say", got)
	}
}

func TestAStateTooDeepForASocketIsRefused(t *testing.T) {
	if err := socketPath(spec.Spec{Dir: "/home/somebody/.local/state/chatpdf-operator/clusters/chatpdf"}); err != nil {
		t.Error(err)
	}
	if err := socketPath(spec.Spec{Dir: "/" + strings.Repeat("deep/", 20)}); err == nil || !strings.Contains(err.Error(), "--state") {
		t.Errorf("got %v", err)
	}
}

func TestEveryFailedCheckIsReported(t *testing.T) {
	err := Run([]Check{
		{"one", func() error { return errors.New("first") }},
		{"two", func() error { return nil }},
		{"three", func() error { return errors.New("third") }},
	})
	if err == nil || !strings.Contains(err.Error(), "one: first") || !strings.Contains(err.Error(), "three: third") {
		t.Errorf("got %v", err)
	}
}
