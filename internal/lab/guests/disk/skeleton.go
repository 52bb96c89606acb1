package disk

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed skeleton
var skeletons embed.FS

// loginUsers are the base images' default users.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/managing-users.html
var loginUsers = map[string]string{"al2023": "ec2-user", "debian": "admin"}

// systemUsers are those that programs of any distribution expect, with their ids and
// their groups' where the two agree.
var systemUsers = []struct {
	name string
	id   int
	home string
}{
	{"daemon", 1, "/usr/sbin"},
	{"bin", 2, "/bin"},
	{"sys", 3, "/dev"},
	{"mail", 8, "/var/mail"},
	{"www-data", 33, "/var/www"},
	{"sshd", 74, "/run/sshd"},
	{"nginx", 990, "/var/lib/nginx"},
	{"nobody", 65534, "/nonexistent"},
}

// systemGroups are the further groups.
var systemGroups = []struct {
	name string
	id   int
}{{"adm", 4}, {"tty", 5}, {"disk", 6}, {"wheel", 10}, {"sudo", 27}, {"shadow", 42}, {"utmp", 43}, {"users", 100}, {"nogroup", 65533}}

// directories are those of the root, with their modes.
var directories = []struct {
	path string
	mode fs.FileMode
}{
	{"boot", 0o755},
	{"dev", 0o755},
	{"etc/cloud/cloud.cfg.d", 0o755},
	{"etc/profile.d", 0o755},
	{"etc/ssh", 0o755},
	{"etc/sudoers.d", 0o750},
	{"etc/systemd/system", 0o755},
	{"home", 0o755},
	{"media", 0o755},
	{"mnt", 0o755},
	{"opt", 0o755},
	{"proc", 0o555},
	{"root", 0o700},
	{"root/.ssh", 0o700},
	{"run", 0o755},
	{"srv", 0o755},
	{"sys", 0o555},
	{"tmp", 0o777 | fs.ModeSticky},
	{"var/cache", 0o755},
	{"var/lib/cloud", 0o755},
	{"var/lib/dbus", 0o755},
	{"var/log", 0o755},
	{"var/mail", 0o755},
	{"var/spool", 0o755},
	{"var/tmp", 0o777 | fs.ModeSticky},
}

// links are the root's symbolic links.
var links = map[string]string{
	"etc/mtab":                "../proc/self/mounts",
	"var/lib/dbus/machine-id": "/etc/machine-id",
	"var/lock":                "/run/lock",
	"var/run":                 "/run",
}

// Skeleton writes the root file system of a base image into dir: everything but the
// programs. system is "al2023" or "debian".
func Skeleton(dir, system string) error {
	user, ok := loginUsers[system]
	if !ok {
		return fmt.Errorf("no base image is called %q: want al2023 or debian", system)
	}
	for _, directory := range directories {
		path := filepath.Join(dir, directory.path)
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(path, directory.mode); err != nil {
			return err
		}
	}
	for link, target := range links {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			return err
		}
	}
	for _, source := range []string{"common", system} {
		if err := unpack(skeletons, "skeleton/"+source, dir, 0o644); err != nil {
			return err
		}
	}
	if err := writeAccounts(dir, user); err != nil {
		return err
	}
	return makeHome(dir, user)
}

// unpack writes the files of an embedded directory.
func unpack(from embed.FS, root, dir string, mode fs.FileMode) error {
	return fs.WalkDir(from, root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(dir, strings.TrimPrefix(path, root))
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		content, err := from.ReadFile(path)
		if err != nil {
			return err
		}
		return writeFile(target, content, mode)
	})
}

// writeFile writes a file with exactly this mode, whatever the umask is.
func writeFile(path string, content []byte, mode fs.FileMode) error {
	if err := os.WriteFile(path, content, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

// loginID is the default user's number.
const loginID = 1000

// writeAccounts writes the lists of users and groups, none with a password.
func writeAccounts(dir, user string) error {
	passwd := "root:x:0:0:root:/root:/bin/bash\n"
	group := "root:x:0:\n"
	shadow := "root:*:19000:0:99999:7:::\n"
	for _, system := range systemUsers {
		passwd += fmt.Sprintf("%s:x:%d:%d:%s:%s:/usr/sbin/nologin\n", system.name, system.id, system.id, system.name, system.home)
		group += fmt.Sprintf("%s:x:%d:\n", system.name, system.id)
		shadow += system.name + ":*:19000:0:99999:7:::\n"
	}
	for _, system := range systemGroups {
		members := ""
		if system.name == "wheel" || system.name == "sudo" || system.name == "adm" {
			members = user
		}
		group += fmt.Sprintf("%s:x:%d:%s\n", system.name, system.id, members)
	}
	passwd += fmt.Sprintf("%s:x:%d:%d:EC2 Default User:/home/%s:/bin/bash\n", user, loginID, loginID, user)
	group += fmt.Sprintf("%s:x:%d:\n", user, loginID)
	shadow += user + ":!:19000:0:99999:7:::\n"
	for _, file := range []struct {
		name, content string
		mode          fs.FileMode
	}{
		{"etc/passwd", passwd, 0o644},
		{"etc/group", group, 0o644},
		{"etc/shadow", shadow, 0o600},
		{"etc/machine-id", "", 0o444},
		{"etc/sudoers", "root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n", 0o440},
		{"etc/sudoers.d/90-cloud-init-users", user + " ALL=(ALL) NOPASSWD:ALL\n", 0o440},
	} {
		if err := writeFile(filepath.Join(dir, file.name), []byte(file.content), file.mode); err != nil {
			return err
		}
	}
	return nil
}

// profiles are the files that the default users' login shells read.
var profiles = map[string]string{"ec2-user": ".bash_profile", "admin": ".profile"}

// profile is what matters of them to scripts: where pip and its like put programs.
const profile = "PATH=$HOME/.local/bin:$HOME/bin:$PATH\nexport PATH\n"

// makeHome makes the default user's home. Without the right to give files away it
// stays the caller's, the only user that such a guest knows.
func makeHome(dir, user string) error {
	home := filepath.Join(dir, "home", user)
	for _, path := range []string{home, filepath.Join(home, ".ssh"), filepath.Join(home, profiles[user])} {
		var err error
		if filepath.Base(path) == profiles[user] {
			err = writeFile(path, []byte(profile), 0o644)
		} else {
			err = os.Mkdir(path, 0o700)
		}
		if err != nil {
			return err
		}
		if os.Geteuid() == 0 {
			if err := os.Chown(path, loginID, loginID); err != nil {
				return err
			}
		}
	}
	return nil
}
