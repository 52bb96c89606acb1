package guests

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// handleAttack opens files by their numbers (open_by_handle_at(2)).
const handleAttack = "a file by its number"

// attacks are what a guest's root might try against the host: each prints "in" when it
// got there. All are harmless where they succeed. SECRET, VICTIM and DISK are a file and a
// process of the host's and the numbers of its disk.
var attacks = map[string]string{
	"a setting of the kernel's":      "echo 7 > /proc/sys/vm/stat_interval && echo in",
	"what hides the settings":        "umount -R /proc/sys; echo 7 > /proc/sys/vm/stat_interval && echo in",
	"the settings mounted again":     "mount -o remount,rw /proc/sys; mount -o remount,bind,rw /proc/sys; echo 7 > /proc/sys/vm/stat_interval && echo in",
	"all of proc mounted again":      "umount -R /proc; mount -t proc proc /mnt; echo 7 > /mnt/sys/vm/stat_interval && echo in; echo h > /mnt/sysrq-trigger && echo in",
	"the settings in new namespaces": "unshare -Urmpf sh -c 'umount -R /proc/sys; mount -t proc proc /mnt; echo 7 > /mnt/sys/vm/stat_interval || echo 7 > /proc/sys/vm/stat_interval' && echo in",
	"what runs when a program dies":  "umount -R /proc/sys; cp /proc/sys/kernel/core_pattern /tmp/was; cat /tmp/was > /proc/sys/kernel/core_pattern && echo in",
	"the system request key":         "umount /proc/sysrq-trigger; echo h > /proc/sysrq-trigger && echo in",
	"the kernel's memory":            "umount /proc/kcore; head -c 16 /proc/kcore | grep -c . && echo in; mknod /tmp/mem c 1 1 && head -c 1 /tmp/mem && echo in",
	"the host's disk":                "mknod /tmp/disk b DISK && head -c 512 /tmp/disk && echo in",
	"the host's devices":             "mount -t devtmpfs dev /mnt && echo in; ls /dev | grep -e '^[svx]*d[a-z][0-9]*$' -e '^kmsg$' -e '^mem$' && echo in",
	"the modes of devices":           "chmod 0600 /dev/null && echo in; chown 1:1 /dev/zero && echo in",
	"what is writable in sysfs":      "mount -o remount,rw /sys; mount -t sysfs sysfs /mnt; find /sys /mnt -type f -writable -not -path '*/net/*' | grep . && echo in",
	"control groups": "umount -R /sys/fs/cgroup; for kind in cgroup2 cgroup; do unshare -C sh -c \"mount -t $kind none /mnt && cd /mnt && " +
		"mkdir lab-attack && rmdir lab-attack && echo in\"; done",
	"the host's clock":      "date -s \"@$(date +%s)\" >/dev/null && echo in",
	"the kernel's log":      "dmesg -E && echo in",
	"a process's signal":    "kill -9 VICTIM && echo in",
	"a process's insides":   "cat /proc/VICTIM/environ && echo in; nsenter -t VICTIM -m true && echo in",
	"its own first program": "[ \"$(stat -L -c %d:%i /proc/1/exe)\" = PROGRAM ] && echo in; umask 0; echo x >> /proc/1/exe && echo in",
	"a file of the host's": "for root in / /proc/1/root /proc/1/cwd /proc/self/fd/*/ /proc/1/fd/*/; do grep -c . \"$root/SECRET\" && echo in; done; " +
		"umount -R -l /usr; ls /usr/SECRET && echo in",
	"what lies under the root": "umount -l /; grep -c . SECRET && echo in; nsenter -t 1 -m cat SECRET && echo in",
	"a way out of a chroot":    "mkdir -p /tmp/j; perl -e 'open(D,\"/\"); chroot(\"/tmp/j\"); chdir(\"..\") for 1..99; chroot(\".\"); exit(!-e \"SECRET\")' && echo in",
	handleAttack: "perl -e 'for $f (\"/usr\", \"/dev/null\", \"/\") { open(my $d, \"<\", $f); for $n (2, 128) { " +
		"$h = pack(\"IiII\", 8, 1, $n, 0); print \"in\\n\" if syscall(304, fileno($d), $h, 0) >= 0 } }'",
}

// TestReal_attacks lets a guest's root try to reach the host.
func TestReal_attacks(t *testing.T) {
	host := sharedHost(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	victim := exec.CommandContext(t.Context(), "sleep", "1000")
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	died := make(chan error, 1)
	go func() { died <- victim.Wait() }()
	before := hostState(t)
	words := strings.NewReplacer("SECRET", secret, "VICTIM", fmt.Sprint(victim.Process.Pid), "DISK", numbersOf(t, "/"), "PROGRAM", inodeOf(t))

	for name, script := range attacks {
		t.Run(name, func(t *testing.T) {
			if name == handleAttack && runtime.GOARCH != "amd64" {
				t.Skip("the attack knows the system call's number on amd64 alone")
			}
			g := start(t, host, Spec{})
			output, _, err := g.Run(t.Context(), "( "+words.Replace(script)+" ) 2>&1")
			if err != nil && !errors.Is(err, ErrOff) {
				t.Fatal(err)
			}
			for _, line := range strings.Split(output, "\n") {
				if line == "in" {
					t.Errorf("it got in:\n%s", output)
				}
			}
			t.Log(output)
		})
	}

	if after := hostState(t); after != before {
		t.Errorf("the host has changed from\n%s\nto\n%s", before, after)
		restore(t, before)
	}
	select {
	case err := <-died:
		t.Errorf("a process of the host's ended: %v", err)
	default:
	}
}

// watchedFiles are what of the host the attacks aim at.
var watchedFiles = []string{"/proc/sys/vm/stat_interval", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/net/core/somaxconn"}

func hostState(t *testing.T) string {
	t.Helper()
	var lines []string
	for _, path := range watchedFiles {
		content, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		lines = append(lines, path+" "+strings.TrimSpace(string(content)))
	}
	for _, path := range []string{"/dev/null", "/dev/zero"} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		status, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			t.Fatal("no file status")
		}
		lines = append(lines, fmt.Sprintf("%s %v %d:%d", path, info.Mode(), status.Uid, status.Gid))
	}
	return strings.Join(lines, "\n")
}

// restore undoes what an attack did.
func restore(t *testing.T, state string) {
	t.Helper()
	for _, line := range strings.Split(state, "\n") {
		if path, value, _ := strings.Cut(line, " "); strings.HasPrefix(path, "/proc/") {
			_ = os.WriteFile(path, []byte(value), 0)
		} else if os.Geteuid() == 0 {
			must(t, errors.Join(os.Chown(path, 0, 0), os.Chmod(path, 0o666)))
		}
	}
}

// numbersOf returns the numbers of the device that a path is on.
func numbersOf(t *testing.T, path string) string {
	t.Helper()
	var status unix.Stat_t
	must(t, unix.Stat(path, &status))
	return fmt.Sprintf("%d %d", unix.Major(status.Dev), unix.Minor(status.Dev))
}

// inodeOf tells which file this program is.
func inodeOf(t *testing.T) string {
	t.Helper()
	var status unix.Stat_t
	must(t, unix.Stat("/proc/self/exe", &status))
	return fmt.Sprintf("%d:%d", status.Dev, status.Ino)
}

// TestReal_isClosedToOthers looks at the directory of the guests' disks, which has
// programs with set-user-id bits and whatever guests have written.
func TestReal_isClosedToOthers(t *testing.T) {
	host, ok := sharedHost(t).(*realHost)
	if !ok {
		t.Fatal("another kind of host")
	}
	info, err := os.Stat(host.dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
}

// TestReal_ownsNothingOutside looks at a guest from the host: its processes and its files,
// one with a set-user-id bit among them, must not be root's there.
func TestReal_ownsNothingOutside(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("guests of an ordinary user have that user's id, which is no danger to others")
	}
	g := start(t, sharedHost(t), Spec{})
	g.sh(t, "cp /bin/sh /root/sh; chmod 4755 /root/sh; stat -c %u:%a /root/sh | grep -qx 0:4755")
	inside, ok := g.Guest.(*realGuest)
	if !ok {
		t.Fatalf("a %T", g.Guest)
	}
	for _, path := range []string{
		filepath.Join(inside.host.dir, inside.trees()[0].Upper, "root/sh"),
		fmt.Sprintf("/proc/%d", inside.present().cmd.Process.Pid),
	} {
		var status unix.Stat_t
		must(t, unix.Stat(path, &status))
		if status.Uid < 65536 || status.Gid < 65536 {
			t.Errorf("%s is %d:%d's", path, status.Uid, status.Gid)
		}
	}
}
