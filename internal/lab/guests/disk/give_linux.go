package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Give changes the owners of all that lies in a tree from 0, 1, 2… to first, first+1,
// first+2…, of which there are size. Owners beyond become the last one.
func Give(dir string, first, size int) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		status, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return fmt.Errorf("%s: no file status", path)
		}
		if int(status.Uid) >= first { // another name of the same file has been given
			return nil
		}
		err = os.Lchown(path, first+min(int(status.Uid), size-1), first+min(int(status.Gid), size-1))
		// chown(2) clears set-id bits.
		if special := info.Mode() & (fs.ModeSetuid | fs.ModeSetgid); special != 0 && info.Mode()&fs.ModeSymlink == 0 {
			err = errors.Join(err, os.Chmod(path, info.Mode()))
		}
		return err
	})
}
