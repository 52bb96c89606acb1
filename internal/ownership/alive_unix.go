//go:build !windows

package ownership

import (
	"errors"
	"os"
	"syscall"
)

// alive reports whether there is a process of that number.
// https://pubs.opengroup.org/onlinepubs/9799919799/functions/kill.html
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// parent is whose child this process was at its start.
var parent = os.Getppid()

// Orphaned reports whether the process that has started this one, Terraform, is gone: then
// nobody writes down in a state what was made.
func Orphaned() bool { return os.Getppid() != parent }
