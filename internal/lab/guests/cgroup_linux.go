package guests

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// groupsRoot is where control groups of version 2 are mounted (cgroups(7)).
const groupsRoot = "/sys/fs/cgroup"

// groupsFile names the file in a host's directory that has the path of its groups.
const groupsFile = "groups"

// groupLimit is a limit that a control group can set.
type groupLimit struct {
	// controller must be on for the file to be there.
	controller, file string
	value            uint64
}

// groups are the limits.
func (l limits) groups() []groupLimit {
	return []groupLimit{
		{"memory", "memory.max", l.memory},
		{"pids", "pids.max", l.guest.Processes},
	}
}

// groups are control groups for guests, one each. Each guest begins in a group within its
// own, which is the highest that it can see from inside (cgroup_namespaces(7)): so it
// cannot reach its limits, also where it has the right to.
// https://docs.kernel.org/admin-guide/cgroup-v2.html
type groups struct {
	dir    string
	limits []groupLimit
}

// openGroups makes a group for a host's groups, as close as it can above own, the group
// of this process. It returns nil where there is none, as without the right to, or where
// memory is not counted.
func openGroups(root, own, name string, limits []groupLimit) *groups {
	var needed []string
	for _, limit := range limits {
		if limit.controller != "" {
			needed = append(needed, limit.controller)
		}
	}
	// A group that has processes of its own has no groups with limits, so it begins above.
	for at := own; at != "/"; {
		at = filepath.Dir(at)
		above := filepath.Join(root, at)
		enabled, err := os.ReadFile(filepath.Join(above, "cgroup.subtree_control"))
		if err != nil || !containsAll(strings.Fields(string(enabled)), needed) {
			continue
		}
		g := &groups{dir: filepath.Join(above, name), limits: limits}
		if os.Mkdir(g.dir, 0o755) != nil {
			continue
		}
		if len(needed) == 0 || writeGroup(g.dir, "cgroup.subtree_control", "+"+strings.Join(needed, " +")) == nil {
			return g
		}
		_ = os.Remove(g.dir)
	}
	return nil
}

func containsAll(have, want []string) bool {
	return !slices.ContainsFunc(want, func(name string) bool { return !slices.Contains(have, name) })
}

// ownGroup is this process's group; "/" where there is none (cgroups(7)).
func ownGroup() string {
	content, _ := os.ReadFile("/proc/self/cgroup")
	for line := range bytes.Lines(content) {
		if path, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("0::")); ok && filepath.IsAbs(string(path)) {
			return filepath.Clean(string(path))
		}
	}
	return "/"
}

func writeGroup(dir, file, value string) error {
	path := filepath.Join(dir, file)
	if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
		return fmt.Errorf("setting %s to %s: %w", path, value, err)
	}
	return nil
}

// enter makes a guest's group, if it has none yet, and returns the directory to begin in.
func (g *groups) enter(number int) (*os.File, error) {
	dir := filepath.Join(g.dir, strconv.Itoa(number))
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	for _, limit := range g.limits {
		if err := writeGroup(dir, limit.file, strconv.FormatUint(limit.value, 10)); err != nil {
			return nil, err
		}
	}
	inside := filepath.Join(dir, "in")
	if err := os.Mkdir(inside, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	return os.Open(inside)
}

// remove ends what is left in a guest's group and removes it.
func (g *groups) remove(number int) {
	if g != nil {
		removeGroup(filepath.Join(g.dir, strconv.Itoa(number)))
	}
}

// close removes all groups.
func (g *groups) close() {
	if g != nil {
		removeGroup(g.dir)
	}
}

// removeGroup kills all that is in a group and removes it with the groups in it. What
// cannot be removed stays as an empty group.
func removeGroup(dir string) {
	_ = os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0)
	// A guest has no groups of its own making deeper than its namespace lets it, but
	// that can be many levels.
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if entry.IsDir() {
			removeGroup(filepath.Join(dir, entry.Name()))
		}
	}
	_ = os.Remove(dir)
}

// openGroups gives the host's guests control groups, where there can be any.
func (h *realHost) openGroups(root, own string, limits []groupLimit) {
	name := "stamp-lab-" + filepath.Base(h.dir)
	found := openGroups(root, own, name, limits)
	if found == nil {
		return
	}
	// For the lab that clears up after this one, if it is killed.
	if err := os.WriteFile(filepath.Join(h.dir, groupsFile), []byte(found.dir), 0o600); err != nil {
		found.close()
		return
	}
	h.groups = found
}

// removeStaleGroups removes the groups of a host that was killed. Its directory is its
// owner's alone, and so is what it says.
func removeStaleGroups(dir string) {
	path, err := os.ReadFile(filepath.Join(dir, groupsFile))
	if err == nil && filepath.Base(string(path)) == "stamp-lab-"+filepath.Base(dir) {
		removeGroup(string(path))
	}
}
