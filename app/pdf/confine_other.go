//go:build !linux

package pdf

import (
	"os/exec"
	"runtime/debug"
)

// confine bounds what can be bounded without Linux; the product's images are Linux, other systems are
// for development.
func confine(limits Limits) error {
	debug.SetMemoryLimit(limits.Memory)
	return nil
}

func bind(*exec.Cmd) {}
