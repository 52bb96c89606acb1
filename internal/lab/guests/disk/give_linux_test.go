package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestGive(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	const first, size = 200_000, 1000
	dir := filepath.Join(t.TempDir(), "tree")
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, errors.Join(
		os.Mkdir(dir, 0o755), os.WriteFile(at("own"), nil, 0o644), os.WriteFile(at("set"), nil, 0o644), os.Chmod(at("set"), 0o755|fs.ModeSetuid),
		os.Link(at("own"), at("same")), os.WriteFile(at("theirs"), nil, 0o600), os.Lchown(at("theirs"), 5, 6),
		os.WriteFile(at("strange"), nil, 0o600), os.Lchown(at("strange"), 65534, 0), os.Symlink("/etc/passwd", at("link")),
	))
	must(t, Give(dir, first, size))
	for name, want := range map[string][2]uint32{
		"": {first, first}, "own": {first, first}, "same": {first, first}, "set": {first, first}, "theirs": {first + 5, first + 6},
		"strange": {first + size - 1, first}, "link": {first, first},
	} {
		info, err := os.Lstat(at(name))
		if err != nil {
			t.Fatal(err)
		}
		status, ok := info.Sys().(*syscall.Stat_t)
		if !ok || [2]uint32{status.Uid, status.Gid} != want {
			t.Errorf("%s is %d:%d's, want %v", name, status.Uid, status.Gid, want)
		}
	}
	if info, err := os.Stat(at("set")); err != nil || info.Mode() != 0o755|fs.ModeSetuid {
		t.Errorf("the set-user-id bit: %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat("/etc/passwd"); err != nil || info.Sys().(*syscall.Stat_t).Uid != 0 { //nolint:forcetypeassert // on Linux
		t.Errorf("a link was followed: %v", err)
	}
}
