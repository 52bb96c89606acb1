package pid1

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// IDs are the user and group ids of the host that a guest's ids stand for.
type IDs struct {
	// First is the host's id of the guest's root; the guest's others follow it.
	First int
	// Size is how many there are.
	Size int
}

// One tells whether there is no id but root's, so that everything inside is root's.
func (i IDs) One() bool { return i.Size == 1 }

// A guest gets as many ids as /etc/login.defs and nobody need. They stand for ids of the
// host that nobody has there: what is inside a guest then owns nothing of the host's,
// also when the lab is run by root. The first one is where the range ends that
// systemd gives to containers.
// https://systemd.io/UIDS-GIDS/
const (
	firstID = 0x6FFF0000
	allIDs  = 65536
)

// fewIDs is how many ids a guest needs: its login user's and those of packages.
const fewIDs = 4096

// GuestIDs chooses the ids for guests of this process's user.
func GuestIDs() (IDs, error) {
	if os.Geteuid() != 0 {
		// user_namespaces(7): a process without rights over its parent namespace maps
		// one id, its own, and gives up setgroups(2) for it.
		return IDs{First: os.Geteuid(), Size: 1}, nil
	}
	users, err := idsOf("/proc/self/uid_map")
	if err != nil {
		return IDs{}, err
	}
	groups, err := idsOf("/proc/self/gid_map")
	if err != nil {
		return IDs{}, err
	}
	return chooseIDs(min(users, groups))
}

// chooseIDs chooses among the ids from 0 to count. In a container root has few ids, and
// the upper half of them is what the container's own users do not have.
func chooseIDs(count int) (IDs, error) {
	switch {
	case count >= firstID+allIDs:
		return IDs{First: firstID, Size: allIDs}, nil
	case count >= 2*fewIDs:
		size := min(count/2, allIDs)
		return IDs{First: count - size, Size: size}, nil
	default:
		return IDs{}, fmt.Errorf("root has only %d user ids in this namespace, and guests need %d that are not the namespace's own: "+
			"run the lab as an ordinary user, or give the container more ids", count, fewIDs)
	}
}

// idsOf counts the ids from 0 on that this process's user namespace has.
func idsOf(path string) (int, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	count := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 {
			return 0, fmt.Errorf("%s: %q is not a mapping", path, lines.Text())
		}
		first, err1 := strconv.Atoi(fields[0])
		size, err2 := strconv.Atoi(fields[2])
		if err := errors.Join(err1, err2); err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		if first == count { // the kernel lists them in the order in which they were written
			count += size
		}
	}
	return count, nil
}

// attributes are how a process with these ids is started.
func (i IDs) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID |
			syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWNET,
		// Without a session of its own the guest's /dev/tty were the host's terminal.
		Setsid: true,
		// What is inside could keep the first process from seeing the connection's end.
		Pdeathsig:   syscall.SIGKILL,
		UidMappings: []syscall.SysProcIDMap{{HostID: i.First, Size: i.Size}},
		GidMappings: []syscall.SysProcIDMap{{HostID: i.First, Size: i.Size}},
	}
	if i.One() {
		attr.GidMappings[0].HostID = os.Getegid()
		return attr
	}
	attr.GidMappingsEnableSetgroups = true
	attr.Credential = &syscall.Credential{}
	return attr
}
