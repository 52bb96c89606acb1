package guests

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ownTraces are what a first boot makes anew, by the names that it has on every
// instance: what identifies the instance, and what the boot writes down about itself.
var ownTraces = []string{
	"root/etc/hostname", "root/etc/machine-id",
	"root/etc/ssh/ssh_host_ecdsa_key", "root/etc/ssh/ssh_host_ecdsa_key.pub",
	"root/etc/ssh/ssh_host_ed25519_key", "root/etc/ssh/ssh_host_ed25519_key.pub",
	"root/var/lib/cloud/data/instance-id", "root/var/lib/cloud/data/previous-hostname",
	"root/var/lib/cloud/instance",
}

// timed are what a boot writes down of its time, which may be the same for two.
var timed = []string{"root/var/lib/cloud/instances/ID/boot-finished", "root/var/log/cloud-init-output.log"}

// TestReal_instancesOfAnImageAreIdentical compares all that two instances have written
// since they left their common image: whatever is in neither is the image's or the
// host's, and so the same.
func TestReal_instancesOfAnImageAreIdentical(t *testing.T) {
	host := sharedHost(t)
	builder := start(t, host, Spec{InstanceID: "i-builder", UserData: []byte(bake)})
	builder.awaitOff(t)
	image := builder.freeze(t)
	var trees []map[string]string
	for _, id := range []string{"i-first", "i-second"} {
		clone := start(t, host, Spec{
			InstanceID: id, Hostname: "ip-of-" + id, Layers: []Layer{image},
			UserData: []byte("#!/bin/sh\nmkdir -p /var/lib/app; echo configured > /var/lib/app/state; echo >> /usr/local/bin/tool\n"),
		})
		clone.screen.await(t, finished, 1)
		trees = append(trees, treeOf(t, clone.freeze(t).Dir, id))
	}

	differ := map[string]bool{}
	for _, tree := range trees {
		for name := range tree {
			if trees[0][name] != trees[1][name] {
				differ[name] = true
			}
		}
	}
	got := []string{}
	for name := range differ {
		if !slices.Contains(timed, name) {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(ownTraces, got); diff != "" {
		t.Errorf("files that differ (-want +got):\n%s", diff)
	}
	for _, written := range []string{"root/var/lib/app/state", "usr/local/bin/tool"} {
		if trees[0][written] == "" {
			t.Errorf("%s is not among the %d files compared, so this test sees too little", written, len(trees[0]))
		}
	}
}

// instanceID is what treeOf writes in a name instead of the instance's.
var instanceID = regexp.MustCompile(`i-(first|second)`)

// treeOf describes every file below dir: kind, mode, owner and content.
func treeOf(t *testing.T, dir, id string) map[string]string {
	t.Helper()
	tree := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		status, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return errors.New("no file status")
		}
		text := fmt.Sprintf("%v %d:%d", info.Mode(), status.Uid, status.Gid)
		switch {
		case info.Mode().IsRegular():
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text += fmt.Sprintf(" %x", sha256.Sum256(content))
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			text += " to " + target
		}
		name, err := filepath.Rel(dir, path)
		tree[instanceID.ReplaceAllString(name, "ID")] = text
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(fmt.Sprint(tree), id) {
		t.Errorf("the tree of %s does not tell whose it is", id)
	}
	return tree
}
