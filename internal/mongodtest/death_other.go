//go:build !linux

package mongodtest

import "syscall"

// dieWithParent has no counterpart outside Linux: there a killed test leaves its mongod behind.
func dieWithParent() *syscall.SysProcAttr { return nil }
