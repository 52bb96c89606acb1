//go:build unix

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// TestGuestsPlace finds something under the usual name, which is the lab's only if it is
// a directory of this user's alone.
func TestGuestsPlace(t *testing.T) {
	const stranger = 65534
	cases := map[string]struct {
		prepare func(path, elsewhere string) error
		usual   bool
		root    bool
	}{
		"nothing":        {prepare: func(string, string) error { return nil }, usual: true},
		"our own":        {prepare: func(path, _ string) error { return os.Mkdir(path, 0o700) }, usual: true},
		"open to others": {prepare: func(path, _ string) error { return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o777)) }},
		"shown to others": {prepare: func(path, _ string) error {
			return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o755))
		}},
		"a link": {prepare: func(path, elsewhere string) error { return os.Symlink(elsewhere, path) }},
		"a file": {prepare: func(path, _ string) error { return os.WriteFile(path, nil, 0o700) }},
		"another user's": {prepare: func(path, _ string) error {
			return errors.Join(os.Mkdir(path, 0o700), os.Chown(path, stranger, stranger))
		}, root: true},
		"with a set-group-id bit": {prepare: func(path, _ string) error {
			return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o700|fs.ModeSetgid))
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if c.root && os.Geteuid() != 0 {
				t.Skip("only root can make what belongs to others")
			}
			parent, elsewhere := t.TempDir(), t.TempDir()
			usual := filepath.Join(parent, "stamp-lab-"+strconv.Itoa(os.Getuid()))
			if err := c.prepare(usual, elsewhere); err != nil {
				t.Fatal(err)
			}
			got, err := guestsPlace(parent)
			if err != nil {
				t.Fatal(err)
			}
			if (got == usual) != c.usual {
				t.Errorf("the place is %s", got)
			}
			if !isOwn(got) {
				t.Errorf("%s is open to others", got)
			}
		})
	}
}
