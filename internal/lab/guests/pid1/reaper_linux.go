package pid1

import (
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// errPoweringOff refuses to start commands while the guest powers off.
var errPoweringOff = errors.New("the guest is powering off")

// reaper starts processes and collects all that end, its own and the orphans that
// every first process inherits. os/exec cannot be used beside it: both would wait
// for the same children.
type reaper struct {
	mu      sync.Mutex
	waiting map[int]chan int
	closed  bool
	// idle is closed once no process is left after close.
	idle chan struct{}
}

func newReaper() *reaper {
	r := &reaper{waiting: map[int]chan int{}, idle: make(chan struct{})}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	go func() {
		for range ended {
			r.collect()
		}
	}()
	return r
}

// start runs a program in a directory and a process group of its own and returns its id and a
// channel that receives its exit code: 128 plus the signal's number when killed.
func (r *reaper) start(dir, path string, args, env []string, files [3]*os.File) (int, <-chan int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return 0, nil, errPoweringOff
	}
	pid, err := syscall.ForkExec(path, args, &syscall.ProcAttr{
		Dir:   dir,
		Env:   env,
		Files: []uintptr{files[0].Fd(), files[1].Fd(), files[2].Fd()},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return 0, nil, err
	}
	done := make(chan int, 1)
	r.waiting[pid] = done
	return pid, done, nil
}

// close refuses further starts.
func (r *reaper) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.collect()
}

func (r *reaper) isClosed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// collect takes in every process that has ended. It holds the lock meanwhile, so
// that start has registered a child before its end is seen.
func (r *reaper) collect() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if errors.Is(err, unix.ECHILD) && r.closed {
			r.closeIdle()
		}
		if err != nil || pid <= 0 {
			return
		}
		if done, ok := r.waiting[pid]; ok {
			delete(r.waiting, pid)
			done <- exitCode(status)
		}
	}
}

func (r *reaper) closeIdle() {
	select {
	case <-r.idle:
	default:
		close(r.idle)
	}
}

func exitCode(status unix.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
