//go:build !windows

package ownership

import (
	"errors"
	"syscall"
)

// alive reports whether there is a process of that number.
// https://pubs.opengroup.org/onlinepubs/9799919799/functions/kill.html
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
