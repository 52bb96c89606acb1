package pid1

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// maxIDs is how many user and group ids a guest gets where its host has them:
// what /etc/login.defs and nobody need.
const maxIDs = 65536

// NewCommand returns the start of a guest's first process: this program again, in
// new namespaces, with control as its file descriptor 3. oneID says that the
// caller may map no more than its own user id, so that everything inside belongs
// to root.
//
// A user namespace is made in any case: for an ordinary user it gives the right to
// make the others, and for root it takes away what a guest must not have (devices,
// kernel modules, the host's clock).
func NewCommand(control *os.File) (cmd *exec.Cmd, oneID bool, err error) {
	attr := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID |
			syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWNET,
		// Without a session of its own the guest's /dev/tty were the host's terminal.
		Setsid: true,
	}
	if os.Geteuid() == 0 {
		if attr.UidMappings, err = identity("/proc/self/uid_map"); err != nil {
			return nil, false, err
		}
		if attr.GidMappings, err = identity("/proc/self/gid_map"); err != nil {
			return nil, false, err
		}
		attr.GidMappingsEnableSetgroups = true
		attr.Credential = &syscall.Credential{}
	} else {
		// user_namespaces(7): a process without rights over its parent namespace maps
		// one id, its own, and gives up setgroups(2) for it.
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
		oneID = true
	}
	return &exec.Cmd{
		Path: "/proc/self/exe",
		Args: []string{"init"},
		// One processor is plenty, and keeps the runtime's threads few.
		Env:         []string{Env + "=1", "GOMAXPROCS=1"},
		ExtraFiles:  []*os.File{control},
		SysProcAttr: attr,
	}, oneID, nil
}

// identity maps the ids that this process's own namespace has, up to maxIDs, onto
// themselves, so that the host's files belong to the same ids inside.
func identity(path string) ([]syscall.SysProcIDMap, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var maps []syscall.SysProcIDMap
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 {
			return nil, fmt.Errorf("%s: %q is not a mapping", path, lines.Text())
		}
		first, err1 := strconv.Atoi(fields[0])
		size, err2 := strconv.Atoi(fields[2])
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if size = min(size, maxIDs-first); size > 0 {
			maps = append(maps, syscall.SysProcIDMap{ContainerID: first, HostID: first, Size: size})
		}
	}
	if len(maps) == 0 {
		return nil, fmt.Errorf("%s has no mapping", path)
	}
	return maps, nil
}
