package pid1

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// tmpfs are the mount options that bound a file system in memory: its content, and its
// files, which take the kernel's memory (tmpfs(5)).
func (l Limits) tmpfs() string { return fmt.Sprintf(",size=%d,nr_inodes=65536", l.Memory) }

// apply sets the limits for this process and all that it will start. Raising them again
// takes a right over the host that a guest's root does not have (getrlimit(2)).
func (l Limits) apply() error {
	for _, set := range []struct {
		what     string
		resource int
		limit    uint64
	}{
		{"processes", unix.RLIMIT_NPROC, l.Processes},
		{"open files", unix.RLIMIT_NOFILE, l.OpenFiles},
		{"the size of files", unix.RLIMIT_FSIZE, l.FileSize},
		// What dumps are piped to (core(5)) runs outside, as the host's root. The kernel
		// takes 1 as "none" there, where 0 has no effect.
		{"core dumps", unix.RLIMIT_CORE, 1},
	} {
		var now unix.Rlimit
		if err := unix.Getrlimit(set.resource, &now); err != nil {
			return fmt.Errorf("reading the limit of %s: %w", set.what, err)
		}
		limit := min(set.limit, now.Max)
		if err := unix.Setrlimit(set.resource, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			return fmt.Errorf("limiting %s to %d: %w", set.what, limit, err)
		}
	}
	return nil
}
