package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// overlayPrefix begins the names of the attributes that overlayfs keeps on an upper
// directory when mounted with userxattr.
// https://docs.kernel.org/filesystems/overlayfs.html
const overlayPrefix = "user.overlay."

// keptOverlay are those that say something about a tree's content, so that they must
// be copied with it; the others tie an upper directory to its mount.
var keptOverlay = map[string]bool{"opaque": true, "whiteout": true, "whiteouts": true}

// Copy copies a file or a tree with modes, owners, times, hard links, extended
// attributes and overlayfs's marks of deletion. Sockets are left out. The directory
// above dst must exist, dst must not. Nothing may write to src meanwhile.
func Copy(dst, src string) error {
	c := copier{links: map[inode]string{}}
	return c.copy(dst, src)
}

type inode struct{ device, number uint64 }

// copier remembers where it put files that have several names.
type copier struct{ links map[inode]string }

func (c *copier) copy(dst, src string) error {
	info, err := os.Lstat(src)
	if err != nil {
		return err
	}
	status, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%s: no file status", src)
	}
	if !info.IsDir() && status.Nlink > 1 {
		id := inode{status.Dev, status.Ino}
		if first, ok := c.links[id]; ok {
			return os.Link(first, dst)
		}
		c.links[id] = dst
	}
	switch {
	case info.IsDir():
		err = c.directory(dst, src, info.Mode())
	case info.Mode().IsRegular():
		err = regular(dst, src, info.Mode())
	case info.Mode()&fs.ModeSymlink != 0:
		var target string
		if target, err = os.Readlink(src); err == nil {
			err = os.Symlink(target, dst)
		}
	case info.Mode()&fs.ModeSocket != 0:
		return nil
	default:
		// A pipe, or a whiteout: the device 0:0, which anybody may make.
		err = unix.Mknod(dst, status.Mode, int(status.Rdev))
	}
	if err != nil {
		return err
	}
	return finish(dst, src, info, status)
}

// directory copies a directory's content. Until finish sets its mode it is the
// caller's to write.
func (c *copier) directory(dst, src string, mode fs.FileMode) error {
	if err := os.Mkdir(dst, 0o700); err != nil {
		return err
	}
	restore, err := makeReadable(src, mode, 0o500)
	if err != nil {
		return err
	}
	defer restore()
	entries, err := os.ReadDir(src)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := c.copy(filepath.Join(dst, entry.Name()), filepath.Join(src, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

func regular(dst, src string, mode fs.FileMode) (err error) {
	restore, err := makeReadable(src, mode, 0o400)
	if err != nil {
		return err
	}
	defer restore()
	from, err := os.OpenFile(src, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}

// makeReadable gives the owner the rights that reading needs, when a guest's root
// took them from itself and the caller is no root, and returns what takes them back.
func makeReadable(path string, mode, needed fs.FileMode) (restore func(), err error) {
	status := unix.Stat_t{}
	if err := unix.Lstat(path, &status); err != nil {
		return nil, &fs.PathError{Op: "lstat", Path: path, Err: err}
	}
	if mode&needed == needed || os.Geteuid() == 0 || int(status.Uid) != os.Geteuid() {
		return func() {}, nil
	}
	if err := os.Chmod(path, mode|needed); err != nil {
		return nil, err
	}
	return func() { _ = os.Chmod(path, mode) }, nil
}

// finish copies what is not content. The owner comes before the mode and the
// attributes: chown(2) clears set-id bits and capabilities.
func finish(dst, src string, info fs.FileInfo, status *syscall.Stat_t) error {
	if os.Geteuid() == 0 {
		if err := os.Lchown(dst, int(status.Uid), int(status.Gid)); err != nil {
			return err
		}
	}
	if err := attributes(dst, src); err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		if err := os.Chmod(dst, info.Mode()); err != nil {
			return err
		}
	}
	times := []unix.Timespec{
		{Sec: status.Atim.Sec, Nsec: status.Atim.Nsec},
		{Sec: status.Mtim.Sec, Nsec: status.Mtim.Nsec},
	}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, dst, times, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &fs.PathError{Op: "utimensat", Path: dst, Err: err}
	}
	return nil
}

// attributes copies extended attributes. Those that this user or this file system
// cannot have are left out, except overlayfs's: without them deleted files return.
func attributes(dst, src string) error {
	names, err := listAttributes(src)
	if err != nil {
		return err
	}
	for _, name := range names {
		mark, isMark := strings.CutPrefix(name, overlayPrefix)
		if isMark && !keptOverlay[mark] {
			continue
		}
		value, err := readAttribute(src, name)
		if err == nil {
			err = unix.Lsetxattr(dst, name, value, 0)
		}
		refused := errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES)
		if err != nil && (isMark || !refused) {
			return fmt.Errorf("copying the attribute %s of %s: %w", name, src, err)
		}
	}
	return nil
}

func listAttributes(path string) ([]string, error) {
	size, err := unix.Llistxattr(path, nil)
	if errors.Is(err, unix.ENOTSUP) || err == nil && size == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, &fs.PathError{Op: "llistxattr", Path: path, Err: err}
	}
	buffer := make([]byte, size)
	if size, err = unix.Llistxattr(path, buffer); err != nil {
		return nil, &fs.PathError{Op: "llistxattr", Path: path, Err: err}
	}
	return strings.Split(strings.TrimSuffix(string(buffer[:size]), "\x00"), "\x00"), nil
}

func readAttribute(path, name string) ([]byte, error) {
	size, err := unix.Lgetxattr(path, name, nil)
	if err != nil || size == 0 {
		return nil, err
	}
	buffer := make([]byte, size)
	size, err = unix.Lgetxattr(path, name, buffer)
	if err != nil {
		return nil, err
	}
	return buffer[:size], nil
}
