package pid1

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// program is a copy of this program in memory that nobody can change. What a guest runs
// as its first process it finds again as /proc/1/exe, and could write to, had it the
// right to (CVE-2019-5736): that must not be the host's file.
var program = sync.OnceValues(func() (*os.File, error) {
	// Where the kernel knows no MFD_EXEC, every such file can be run (memfd_create(2)).
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate("guest", flags|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) {
		fd, err = unix.MemfdCreate("guest", flags)
	}
	if err != nil {
		return nil, fmt.Errorf("making a file in memory for the guests' first process: %w", err)
	}
	file := os.NewFile(uintptr(fd), "guest")
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	defer self.Close()
	if _, err := io.Copy(file, self); err != nil {
		return nil, errors.Join(fmt.Errorf("copying the guests' first process into memory: %w", err), file.Close())
	}
	const seals = unix.F_SEAL_WRITE | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(file.Fd(), unix.F_ADD_SEALS, seals); err != nil {
		return nil, errors.Join(fmt.Errorf("sealing the guests' first process: %w", err), file.Close())
	}
	return file, nil
})
