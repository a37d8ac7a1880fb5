package mongodtest

import "syscall"

// dieWithParent makes the kernel end the process when the test process is gone, however it ended.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
