package pid1

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// Descriptors of a guest's first process, in the order of ExtraFiles.
const (
	controlFD = 3 + iota
	programFD
)

// Start is how a guest's first process begins.
type Start struct {
	// Control is the guest's end of the connection.
	Control *os.File
	// Directory is where it works until its own root stands; "" if it is to come as a mount
	// ([Config.Workplace]).
	Directory string
	// IDs are the guest's.
	IDs IDs
	// Number is the guest's own among those of this process. Its tasks are counted by it.
	Number int
	// Processes is the guest's limit, as in [Limits].
	Processes uint64
	// Cgroup, if not nil, is the directory of the control group that it begins in.
	Cgroup *os.File
}

// Run starts a guest's first process: this program again, in new namespaces. A user
// namespace is made in any case: for an ordinary user it gives the right to make the
// others, and for root it takes away what a guest must not have.
func Run(start Start) (*exec.Cmd, error) {
	self, err := program()
	if err != nil {
		return nil, err
	}
	attr := start.IDs.attributes()
	if start.Cgroup != nil {
		attr.UseCgroupFD, attr.CgroupFD = true, int(start.Cgroup.Fd())
	}
	cmd := &exec.Cmd{
		Path: fmt.Sprintf("/proc/self/fd/%d", programFD),
		Args: []string{"init"},
		// One processor is plenty, and keeps the runtime's threads few.
		Env:         []string{Env + "=1", "GOMAXPROCS=1"},
		Dir:         start.Directory,
		ExtraFiles:  []*os.File{start.Control, self},
		SysProcAttr: attr,
	}
	done := make(chan error)
	forks() <- func() { done <- start.fork(cmd) }
	if err := <-done; err != nil {
		return nil, fmt.Errorf("the kernel makes no namespaces for this user: %w", err)
	}
	return cmd, nil
}

// forks takes what the one thread is to do that starts all guests. What it changes of
// itself is no other thread's, and a guest dies when its parent thread does (prctl(2) on
// PR_SET_PDEATHSIG), which is with the process, however that ends.
var forks = sync.OnceValue(func() chan<- func() {
	todo := make(chan func())
	go serveForks(todo)
	return todo
})

// serveForks goes on for as long as the process.
func serveForks(todo <-chan func()) {
	runtime.LockOSThread()
	for do := range todo {
		do()
	}
}

// fork starts the process, on the thread of forks.
func (s Start) fork(cmd *exec.Cmd) error {
	// Keys that the caller's session holds would be the guest's too (keyrings(7)). The
	// library's function cannot ask for a new session without a name.
	_, _, errno := unix.Syscall(unix.SYS_KEYCTL, unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0)
	if errno != 0 && errno != unix.ENOSYS && errno != unix.EPERM {
		return fmt.Errorf("leaving the session's keys behind: %w", errno)
	}
	if s.IDs.One() {
		return cmd.Start()
	}
	// The tasks of all users in a user namespace are counted for the user who made it,
	// and limited by what his limit was then, unless he was root (getrlimit(2) on
	// RLIMIT_NPROC limits each of a guest's users alone). So each guest is made by a user
	// of its own, beyond those of guests, who has root's rights for this one purpose.
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &before); err != nil {
		return err
	}
	limit := unix.Rlimit{Cur: min(s.Processes, before.Max), Max: before.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NPROC, &limit); err != nil {
		return err
	}
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_NPROC, &before) }()
	if err := becomeOwner(s.owner()); err != nil {
		return fmt.Errorf("becoming the guest's owner: %w", err)
	}
	return cmd.Start()
}

// owner is the user who makes the guest's user namespace. Where ids are few it is root.
func (s Start) owner() int {
	if s.IDs.First != firstID {
		return 0
	}
	return firstID + allIDs + s.Number
}

// becomeOwner gives this thread another user id, with all rights kept (capabilities(7)
// on SECBIT_NO_SETUID_FIXUP).
func becomeOwner(owner int) error {
	if owner == 0 {
		return nil
	}
	const noSetuidFixup = 1 << 2
	if err := unix.Prctl(unix.PR_SET_SECUREBITS, noSetuidFixup, 0, 0, 0); err != nil {
		return err
	}
	// The library's function would change all threads.
	id := uintptr(owner)
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, id, id, id); errno != 0 {
		return errno
	}
	return nil
}
