package guests

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// watchInterval is the time between two looks at the disk. The fastest disks take a
	// gigabyte meanwhile.
	watchInterval = 250 * time.Millisecond
	// measureEvery is the number of looks after which guests are measured in any case.
	measureEvery = 120
	// leastFree is how much of the host's disk guests must leave.
	leastFree = 2 << 30
)

// gauge tells how full the host's disk is.
type gauge struct {
	// space returns what is free and what is used, in bytes.
	space func() (free, used uint64)
	// reserve is how much must stay free.
	reserve uint64
}

// newGauge looks at the disk that a directory is on. On a disk that is small or nearly
// full already, half of what is free stays so.
func newGauge(dir string) gauge {
	g := gauge{space: func() (free, used uint64) {
		var status unix.Statfs_t
		if err := unix.Statfs(dir, &status); err != nil {
			return 0, 0
		}
		size := uint64(status.Bsize)
		return status.Bavail * size, (status.Blocks - status.Bfree) * size
	}}
	free, _ := g.space()
	g.reserve = min(leastFree, free/2)
	return g
}

// watch takes the power from guests that write more than they may, until the host is
// closed. Not every file system has quotas, so this looks from outside: only when the disk
// has been written to are guests measured, which takes time.
func (h *realHost) watch(disk gauge) {
	defer close(h.watched)
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	_, measured := disk.space()
	for looks := 1; ; looks++ {
		select {
		case <-h.stopWatch:
			return
		case <-tick.C:
		}
		free, used := disk.space()
		low := free < disk.reserve
		if !low && used < measured+h.limits.disk/16 && looks%measureEvery != 0 {
			measured = min(measured, used)
			continue
		}
		measured = used
		h.cutWriters(low)
	}
}

// cutWriters takes the power from guests whose disk is larger than allowed, and where the
// host's is nearly full from the one with the largest.
func (h *realHost) cutWriters(low bool) {
	h.mu.Lock()
	running := map[*realGuest]string{}
	for g := range h.guests {
		if p := g.present(); p != nil {
			running[g] = p.dir
		}
	}
	h.mu.Unlock()
	var largest *realGuest
	var size uint64
	for g, dir := range running {
		written := room(dir)
		if written > h.limits.disk {
			g.cutFor(fmt.Sprintf("it has written more than %d MiB to its disk", h.limits.disk>>20))
			continue
		}
		if largest == nil || written > size {
			largest, size = g, written
		}
	}
	if low && largest != nil {
		largest.cutFor(fmt.Sprintf("the disk of the lab's machine is nearly full, and of all guests this one has written the most (%d MiB). "+
			"Terminate instances, or set TMPDIR to a larger disk", size>>20))
	}
}

// cutFor takes the guest's power and says why on its console.
func (g *realGuest) cutFor(reason string) {
	fmt.Fprintf(console(g.spec), "lab: the guest loses its power: %s\r\n", reason)
	g.cut()
}

// room is how much a directory takes on the disk, in bytes.
func room(dir string) uint64 {
	total := uint64(0)
	// Files come and go meanwhile, and some directories may be closed to an ordinary user.
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // what cannot be read is not counted
		}
		info, err := entry.Info()
		if err != nil {
			return nil //nolint:nilerr // it is gone
		}
		if status, ok := info.Sys().(*syscall.Stat_t); ok {
			total += uint64(status.Blocks) * 512
		}
		return nil
	})
	return total
}
