package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func uploadOf(destination, mode, owner, content string) Step {
	return Step{Name: "upload " + destination, Upload: &Upload{Destination: destination, Owner: owner, Files: []File{{Mode: mode, Content: []byte(content)}}}}
}

func owner(t *testing.T, root, name string) uint32 {
	t.Helper()
	info, err := os.Lstat(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatalf("%s has no owner here", name)
	}
	return stat.Uid
}

// A link that a user of the machine has put in an upload's place is replaced; what it leads
// to stays as it is.
func TestUpload_replacesALink(t *testing.T) {
	needRoot(t)
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, map[string]string{"etc/cron.d/owned": "root's", "home/dir/there": "x", "opt/old": "a longer content than before"})
		for name, to := range map[string]string{"home/app.conf": root + "/etc/cron.d/owned", "home/to dir": root + "/home/dir", "home/nowhere": "gone"} {
			if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
				t.Fatal(err)
			}
			if err := os.Lchown(filepath.Join(root, name), 1, 1); err != nil {
				t.Fatal(err)
			}
		}
		report, result := bakeIn(t, shell, root, Bake{Steps: []Step{
			uploadOf("/home/app.conf", "0600", daemon, "mine"), uploadOf("/home/to dir", "0640", "", "mine"), uploadOf("/home/nowhere", "0644", "", "mine"),
			uploadOf("/opt/old", "0755", "", "new"), uploadOf("/opt/new dir/-it's", "4755", daemon, "new"),
		}})
		if report.Failure != nil {
			t.Fatalf("%v\n%s", report.Failure, result.console)
		}
		if got := read(t, root, "etc/cron.d/owned"); got != "root's" || owner(t, root, "etc/cron.d/owned") != 0 {
			t.Errorf("what the link led to is %q now, of user %d", got, owner(t, root, "etc/cron.d/owned"))
		}
		for name, want := range map[string]string{
			"home/app.conf": "-rw------- mine", "home/to dir": "-rw-r----- mine", "home/nowhere": "-rw-r--r-- mine", "opt/old": "-rwxr-xr-x new", "opt/new dir/-it's": "urwxr-xr-x new",
		} {
			info, err := os.Lstat(filepath.Join(root, name))
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(info.Mode(), " ", read(t, root, name)); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if uid := owner(t, root, "home/app.conf"); uid == 0 {
			t.Error("the owner was not set")
		}
		for _, dir := range []string{"home", "opt", "opt/new dir", "home/dir"} {
			if left, _ := filepath.Glob(filepath.Join(root, dir, ".stamp-*")); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		}
	})
}

// On the way to an upload's place only root's links are followed.
func TestUpload_followsRootsLinksOnly(t *testing.T) {
	needRoot(t)
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, map[string]string{"etc/cron.d/.keep": "", "srv/data/.keep": ""})
		for name, link := range map[string]struct {
			to    string
			owner int
		}{
			"home": {"/srv/data", 0}, "srv/data/conf": {root + "/etc/cron.d", 1}, "srv/data/real": {"../up/data/../data/deep", 0}, "srv/up": {".", 0}, "srv/loop": {"loop", 0},
		} {
			if err := os.Symlink(link.to, filepath.Join(root, name)); err != nil {
				t.Fatal(err)
			}
			if err := os.Lchown(filepath.Join(root, name), link.owner, link.owner); err != nil {
				t.Fatal(err)
			}
		}
		report, result := bakeIn(t, shell, root, Bake{Steps: []Step{uploadOf("/home/real/x", "0644", "", "x"), uploadOf("/home/conf/owned", "0644", "daemon", "x")}})
		if read(t, root, "srv/data/deep/x") != "x" {
			t.Errorf("root's links were not followed:\n%s", result.console)
		}
		if report.Failure == nil || !strings.Contains(report.Failure.Output, "/home/conf: conf is a symbolic link that is not root's") {
			t.Errorf("failure %v\n%s", report.Failure, result.console)
		}
		missing(t, root, "etc/cron.d/owned")
		for destination, says := range map[string]string{"/srv/loop/x": "too many symbolic links", "/etc/cron.d": "is a directory"} {
			report, result := bakeIn(t, shell, root, Bake{Steps: []Step{uploadOf(destination, "0644", "", "x")}})
			if report.Failure == nil || !strings.Contains(report.Failure.Output, says) {
				t.Errorf("%s: %v\n%s", destination, report.Failure, result.console)
			}
		}
	})
}

// What passwd says of a user is data, also where it comes from a directory service.
func TestBake_passwdIsQuoted(t *testing.T) {
	needRoot(t)
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		open(t, root)
		home := root + "/it's a;touch " + root + "/pwn;$(touch " + root + "/pwn2) \\n"
		home = strings.ReplaceAll(home, "/pwn", "-pwn")
		fake := scratch(t, map[string]string{"getent": "#!/bin/sh\nprintf '%s\\n' " + quote("daemon:x:1:1::"+home+":/bin/sh")})
		if err := os.Chmod(filepath.Join(fake, "getent"), 0o755); err != nil {
			t.Fatal(err)
		}
		script, err := Bake{Nonce: "abc123", Steps: []Step{{Name: "s", User: daemon, Script: `printf '%s' "$HOME"; exit 3`}}}.render(around(root))
		if err != nil {
			t.Fatal(err)
		}
		result := run(t, shell, root, append([]byte("PATH="+fake+":$PATH; export PATH\n"), script...))
		report := ParseConsole("abc123", result.console)
		if report.Failure == nil || report.Failure.ExitCode != 3 || report.Failure.Output != home {
			t.Errorf("home %q: %v\n%s", home, report.Failure, result.console)
		}
		for _, name := range []string{root + "-pwn", root + "-pwn2"} {
			missing(t, "", name)
		}
	})
}

// A step of an ordinary user reads nothing of root's: neither another step's script,
// environment or output, nor the key of the secrets.
func TestBake_aUserReadsNothingOfRoots(t *testing.T) {
	needRoot(t)
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		open(t, root)
		commands := commandsOf(t, root, Bake{
			Secrets: map[string]string{"TOKEN": "hunter2"},
			Steps: []Step{
				{Name: "root's", Script: "echo an output of root's; # a script of root's", Environment: map[string]string{"A": "an environment of root's"}},
				{Name: "user's", User: daemon, Script: "for f in $(find " + root + " 2>/dev/null); do [ -d $f ] || cat $f 2>/dev/null; done | grep \"of [r]oot's\\|BEGIN [P]RIVATE\" && exit 5; exit 3"},
			},
		})
		key := send(t, shell, root, commands[0]).Key
		var last Report
		for _, command := range commands[1:3] {
			sealed, err := command.Seal(key, map[string]string{"TOKEN": "hunter2"})
			if err != nil {
				t.Fatal(err)
			}
			last = send(t, shell, root, sealed)
		}
		if last.Failure == nil || last.Failure.ExitCode != 3 {
			t.Errorf("the user has read: %+v", last)
		}
		for name, want := range map[string]os.FileMode{
			"run/stamp-bake": 0o700, "var/lib/stamp-bake": 0o700, "run/stamp-bake-user": 0o711,
			"run/stamp-bake-user/run": 0o600, "run/stamp-bake-user/script": 0o600, "run/stamp-bake/key": 0o600,
		} {
			info, err := os.Stat(filepath.Join(root, name))
			if err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v, %v; want %v", name, info.Mode(), err, want)
			}
		}
	})
}
