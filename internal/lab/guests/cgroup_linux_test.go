package guests

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// controlled is a mount of control groups of version 2 in which this user can make
// groups; without one the test is skipped.
func controlled(t *testing.T) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(mounts), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 3 || fields[2] != "cgroup2" {
			continue
		}
		try := filepath.Join(fields[1], fmt.Sprintf("stamp-lab-try-%d", os.Getpid()))
		if os.Mkdir(try, 0o755) == nil {
			must(t, os.Remove(try))
			return fields[1]
		}
	}
	t.Skip("no control groups of version 2 can be made here")
	return ""
}

// TestReal_hasAGroupOfItsOwn sets what every group has, so that the machine need not count
// anything, and looks at where the guest is and what it can reach.
func TestReal_hasAGroupOfItsOwn(t *testing.T) {
	sharedHost(t)
	root := controlled(t)
	dir := t.TempDir()
	host, err := newReal(t.Context(), dir, options{limits: defaultLimits, groupsRoot: root, groupLimits: []groupLimit{{"", "cgroup.max.depth", 7}}})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	g := start(t, host, Spec{})
	if host.groups == nil {
		t.Fatal("the host has no groups")
	}
	top := host.groups.dir
	inside, ok := g.Guest.(*realGuest)
	if !ok {
		t.Fatalf("a %T", g.Guest)
	}
	own := filepath.Join(top, fmt.Sprint(inside.number))
	if content, err := os.ReadFile(filepath.Join(own, "cgroup.max.depth")); err != nil || string(content) != "7\n" {
		t.Errorf("the limit is %q, %v", content, err)
	}
	if content, err := os.ReadFile(filepath.Join(own, "in/cgroup.procs")); err != nil || len(strings.Fields(string(content))) == 0 {
		t.Errorf("nothing runs in the guest's group: %v", err)
	}
	got := g.sh(t, "unshare -C sh -c 'mount -t cgroup2 none /mnt && cat /mnt/cgroup.max.depth /mnt/../cgroup.max.depth; echo 9 > /mnt/cgroup.max.depth' 2>/dev/null; true")
	if strings.Contains(got, "7") {
		t.Errorf("the guest sees its limit: %q", got)
	}
	// What is left of a lab that was killed goes, with all that still runs there.
	removeStaleGroups(host.dir)
	g.awaitOff(t)
	must(t, host.Close())
	if _, err := os.Stat(top); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the groups are left: %v", err)
	}
}

// TestOpenGroups chooses among directories as the kernel shows them.
func TestOpenGroups(t *testing.T) {
	limits := defaultLimits.groups()
	cases := []struct {
		name, own string
		enabled   map[string]string
		want      string
	}{
		{"a login's session", "/user.slice/session-1.scope", map[string]string{"/": "cpu memory pids", "/user.slice": "memory pids"}, "/user.slice/lab"},
		{"memory is counted above alone", "/user.slice/session-1.scope", map[string]string{"/": "memory pids", "/user.slice": "pids"}, "/lab"},
		{"nothing is counted", "/a/b", map[string]string{"/": "", "/a": "cpu"}, ""},
		{"the top of a container", "/", map[string]string{"/": "memory pids"}, ""},
		{"version 1", "/a", nil, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			for at, controllers := range c.enabled {
				must(t, os.MkdirAll(filepath.Join(root, at), 0o755))
				must(t, os.WriteFile(filepath.Join(root, at, "cgroup.subtree_control"), []byte(controllers+"\n"), 0o644))
			}
			got := openGroups(root, c.own, "lab", limits)
			if got == nil {
				if c.want != "" {
					t.Errorf("no groups, want them at %s", c.want)
				}
				return
			}
			if got.dir != filepath.Join(root, c.want) {
				t.Errorf("the groups are at %s, want %s", got.dir, c.want)
			}
			dir, err := got.enter(3)
			if err != nil {
				t.Fatal(err)
			}
			must(t, dir.Close())
			for file, want := range map[string]string{
				"cgroup.subtree_control": "+memory +pids", "3/memory.max": "4294967296", "3/pids.max": "2048",
			} {
				if content, err := os.ReadFile(filepath.Join(got.dir, file)); err != nil || string(content) != want {
					t.Errorf("%s has %q, %v; want %s", file, content, err, want)
				}
			}
		})
	}
}
