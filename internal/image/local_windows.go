package image

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// localCommand is a command line for cmd.exe, which has its own rules for quotes: with /S
// it takes off the outer ones and leaves the rest as it is.
// https://pkg.go.dev/os/exec#Command
// https://learn.microsoft.com/en-us/windows-server/administration/windows-commands/cmd
func localCommand(ctx context.Context, line string) *exec.Cmd {
	command := exec.CommandContext(ctx, filepath.Join(os.Getenv("SystemRoot"), "System32", "cmd.exe"))
	command.SysProcAttr = &syscall.SysProcAttr{
		CmdLine: `cmd.exe /D /S /C "` + line + `"`, CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP,
	}
	return command
}

// terminate ends the command and all that it has started. Windows has no gentler way that
// reaches programs without a window.
// https://learn.microsoft.com/en-us/windows-server/administration/windows-commands/taskkill
func terminate(process *os.Process) error {
	taskkill := filepath.Join(os.Getenv("SystemRoot"), "System32", "taskkill.exe")
	if err := exec.Command(taskkill, "/T", "/F", "/PID", strconv.Itoa(process.Pid)).Run(); err != nil {
		return process.Kill()
	}
	return nil
}

// endGroup has nothing left to do: terminate has ended all.
func endGroup(*os.Process, time.Duration) {}
