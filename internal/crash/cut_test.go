//go:build linux

package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// victim is who is killed.
type victim string

const (
	everybody      victim = "terraform and provider"
	terraformAlone victim = "terraform"
	providerAlone  victim = "provider"
)

// cut is where a run is cut off: at a request, counted from 1, before the lab sees it or
// after it had its effect. The zero value cuts nothing off.
type cut struct {
	request int
	after   bool
	victim  victim
	// twice is set when the apply that goes on is cut off there, too.
	twice bool
}

// String says it: "provider killed after request 3".
func (c cut) String() string {
	when := "before"
	if c.after {
		when = "after"
	}
	return fmt.Sprintf("%s %s request %d", c.kind(), when, c.request)
}

// kind is who is killed, and whether that is so again.
func (c cut) kind() string {
	if c.twice {
		return string(c.victim) + " killed twice"
	}
	return string(c.victim) + " killed"
}

// kills sends SIGKILL to those of a process group that it is meant for.
func (v victim) kills(group int) {
	switch v {
	case everybody:
		_ = syscall.Kill(-group, syscall.SIGKILL)
	case terraformAlone:
		_ = syscall.Kill(group, syscall.SIGKILL)
	case providerAlone:
		for _, pid := range members(group) {
			if pid != group {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}
}

// members are the processes of a group that are alive.
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
func members(group int) []int {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	var alive []int
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// The name of the program, in brackets, may hold anything.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) < 3 || fields[0] == "Z" || fields[2] != strconv.Itoa(group) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			alive = append(alive, pid)
		}
	}
	return alive
}
