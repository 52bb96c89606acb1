package ownership

import (
	"errors"
	"os"
	"syscall"
)

// alive reports whether there is a process of that number: on Windows it must be opened to
// be found, which another user's may refuse.
func alive(pid int) bool {
	process, err := os.FindProcess(pid)
	if err == nil {
		_ = process.Release()
	}
	return err == nil || errors.Is(err, syscall.ERROR_ACCESS_DENIED)
}

// parent is the process whose child this one is, held open: Windows tells its number also
// when it is gone. Zero where it cannot be opened.
// https://learn.microsoft.com/en-us/windows/win32/procthread/child-processes
var parent, _ = syscall.OpenProcess(syscall.SYNCHRONIZE, false, uint32(os.Getppid()))

// Orphaned reports whether the process that has started this one, Terraform, is gone: then
// nobody writes down in a state what was made.
func Orphaned() bool {
	if parent == 0 {
		return false
	}
	event, err := syscall.WaitForSingleObject(parent, 0)
	return err == nil && event == syscall.WAIT_OBJECT_0
}
