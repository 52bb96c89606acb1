package guests

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mappedMount returns a mount of a directory of the host's, at no place yet and only for
// reading, whose owners are what stands for them in the user namespace of a process: what
// is root's outside is the guest's root's there.
// https://docs.kernel.org/filesystems/idmappings.html
func mappedMount(dir string, pid int) (*os.File, error) {
	namespace, err := os.Open(fmt.Sprintf("/proc/%d/ns/user", pid))
	if err != nil {
		return nil, err
	}
	defer namespace.Close()
	mount, err := cloneMount(dir)
	if err != nil {
		return nil, err
	}
	err = unix.MountSetattr(int(mount.Fd()), "", unix.AT_EMPTY_PATH, &unix.MountAttr{
		Attr_set:  unix.MOUNT_ATTR_IDMAP | unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NODEV,
		Userns_fd: uint64(namespace.Fd()),
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("mapping the owners of %s: %w", dir, err), mount.Close())
	}
	return mount, nil
}

// cloneMount returns a mount of a directory at no place yet (open_tree(2)).
func cloneMount(dir string) (*os.File, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, dir, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making a mount of %s: %w", dir, err)
	}
	return os.NewFile(uintptr(fd), dir), nil
}
