package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestCopy_keepsWhatAFileIs(t *testing.T) {
	src, dst := filepath.Join(t.TempDir(), "src"), filepath.Join(t.TempDir(), "dst")
	old := time.Date(2020, 1, 2, 3, 4, 5, 678, time.UTC)
	at := func(name string) string { return filepath.Join(src, name) }
	must(t,
		os.MkdirAll(at("dir"), 0o755),
		os.WriteFile(at("dir/file"), []byte("content"), 0o600),
		os.Chmod(at("dir/file"), 0o751|fs.ModeSetuid),
		os.Chtimes(at("dir/file"), old, old),
		os.Link(at("dir/file"), at("dir/second")),
		os.Symlink("/nowhere", at("link")),
		unix.Mkfifo(at("pipe"), 0o620),
		unix.Mknod(at("whiteout"), unix.S_IFCHR, 0),
		unix.Lsetxattr(at("dir"), "user.overlay.opaque", []byte("y"), 0),
		unix.Lsetxattr(at("dir"), "user.overlay.origin", []byte("mount's own"), 0),
		unix.Lsetxattr(at("dir"), "user.note", []byte("kept"), 0),
		os.Mkdir(at("locked"), 0o700),
		os.WriteFile(at("locked/in"), nil, 0o000),
		os.Chmod(at("locked"), 0o555),
		os.Chtimes(at("dir"), old, old),
	)

	must(t, Copy(dst, src))
	t.Cleanup(func() { must(t, Remove(src), Remove(dst)) })

	file, err := os.Lstat(filepath.Join(dst, "dir/file"))
	must(t, err)
	second, err := os.Lstat(filepath.Join(dst, "dir/second"))
	must(t, err)
	if file.Mode() != 0o751|fs.ModeSetuid || !file.ModTime().Equal(old) || !os.SameFile(file, second) {
		t.Errorf("the file has mode %v and time %v, and its names one file: %t", file.Mode(), file.ModTime(), os.SameFile(file, second))
	}
	for name, want := range map[string]fs.FileMode{
		"link":      fs.ModeSymlink | 0o777,
		"whiteout":  fs.ModeDevice | fs.ModeCharDevice,
		"locked":    fs.ModeDir | 0o555,
		"locked/in": 0,
	} {
		if info, err := os.Lstat(filepath.Join(dst, name)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v; want mode %v", name, info, err, want)
		}
	}
	if info, err := os.Lstat(filepath.Join(dst, "pipe")); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		t.Errorf("the pipe: %v, %v", info, err)
	}
	dir, err := os.Lstat(filepath.Join(dst, "dir"))
	if err != nil || !dir.ModTime().Equal(old) {
		t.Errorf("the directory: %v, %v", dir, err)
	}
	for name, want := range map[string]string{"user.overlay.opaque": "y", "user.note": "kept"} {
		if got, err := readAttribute(filepath.Join(dst, "dir"), name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := readAttribute(filepath.Join(dst, "dir"), "user.overlay.origin"); !errors.Is(err, unix.ENODATA) {
		t.Errorf("an attribute of the mount was copied: %v", err)
	}
}

func TestSkeleton_hasNothingSecret(t *testing.T) {
	for _, system := range []string{"al2023", "debian"} {
		dir := t.TempDir()
		must(t, Skeleton(dir, system))
		for _, path := range []string{"etc/os-release", "etc/passwd", "root", "home/" + loginUsers[system], "var/log"} {
			if _, err := os.Stat(filepath.Join(dir, path)); err != nil {
				t.Error(err)
			}
		}
		keys, err := filepath.Glob(filepath.Join(dir, "etc/ssh/*key*"))
		if err != nil || len(keys) > 0 {
			t.Errorf("a base image has keys: %v, %v", keys, err)
		}
	}
	if err := Skeleton(t.TempDir(), "beos"); err == nil {
		t.Error("there is a base image called beos")
	}
}

func TestHostSettings_leavesSecretsBehind(t *testing.T) {
	dir := t.TempDir()
	must(t, HostSettings(dir))
	for _, path := range []string{"etc/shadow", "etc/passwd", "etc/ssh", "etc/ssl/private", "etc/pki/tls/private", "etc/hostname", "etc/machine-id", "etc/resolv.conf"} {
		if _, err := os.Lstat(filepath.Join(dir, path)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s came along: %v", path, err)
		}
	}
}
