//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// guestsPlace makes the directory for the guests' disks in parent, which everybody may
// write to. Its name is always the same, so that a lab finds and removes what one that
// was killed has left there. Where that name is not a directory of this user's alone,
// somebody else could change or exchange what is in it: then another one is made.
func guestsPlace(parent string) (string, error) {
	usual := filepath.Join(parent, "stamp-lab-"+strconv.Itoa(os.Getuid()))
	if err := os.Mkdir(usual, 0o700); err == nil || isOwn(usual) {
		return usual, nil
	}
	dir, err := os.MkdirTemp(parent, filepath.Base(usual)+"-")
	if err != nil {
		return "", fmt.Errorf("making the guests' directory: %w", err)
	}
	return dir, nil
}

// isOwn reports whether path is a directory that nobody else can write to or list. The
// sticky bit of a parent as /tmp keeps it so after the look.
func isOwn(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&^fs.ModePerm != fs.ModeDir || info.Mode().Perm() != 0o700 {
		return false
	}
	status, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(status.Uid) == os.Getuid()
}
