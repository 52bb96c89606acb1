//go:build !windows

package image

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// localCommand is a command line in a session of its own, so that all that it starts can be
// ended together. It has no terminal then, and asks nobody for a password.
func localCommand(ctx context.Context, line string) *exec.Cmd {
	command := exec.CommandContext(ctx, "/bin/sh", "-c", line)
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return command
}

// terminate asks all processes of the command's group to end.
func terminate(process *os.Process) error {
	if err := syscall.Kill(-process.Pid, syscall.SIGTERM); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return os.ErrProcessDone
}

// endGroup ends what is left of the command's group, after a while with force.
func endGroup(process *os.Process, grace time.Duration) {
	const often = 50 * time.Millisecond
	for left := grace; left > 0; left -= often {
		if errors.Is(syscall.Kill(-process.Pid, 0), syscall.ESRCH) {
			return
		}
		timer := time.NewTimer(often)
		<-timer.C
	}
	_ = syscall.Kill(-process.Pid, syscall.SIGKILL)
}
