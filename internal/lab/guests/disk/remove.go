package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Remove removes a tree, also where a guest's root has made directories unreadable
// that belong to an ordinary user outside.
func Remove(dir string) error {
	err := os.RemoveAll(dir)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	walkErr := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		return os.Chmod(path, 0o700)
	})
	return errors.Join(walkErr, os.RemoveAll(dir))
}
