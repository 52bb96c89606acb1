package disk

import (
	"embed"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed tools
var tools embed.FS

// programs are the directories of the host's root that hold programs. Most are links
// into /usr today.
var programs = []string{"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"}

// settings are the files and directories of /etc without which programs do not work
// or do not know certificates, terminals and time. None of them holds a secret.
var settings = []string{
	"bash.bashrc", "bashrc", "crypto-policies", "inputrc", "ld.so.cache", "ld.so.conf", "ld.so.conf.d",
	"localtime", "login.defs", "magic", "mime.types", "pam.d", "perl", "pki/ca-trust/extracted",
	"pki/tls/cert.pem", "pki/tls/certs/ca-bundle.crt", "pki/tls/openssl.cnf", "profile", "protocols", "python3",
	"rpc", "security/limits.conf", "security/namespace.conf", "security/pam_env.conf", "services", "shells",
	"skel", "ssl/cert.pem", "ssl/certs/ca-certificates.crt", "ssl/openssl.cnf", "terminfo", "timezone",
}

// alternatives is where the names of many programs lead (update-alternatives(1)).
const alternatives = "/etc/alternatives"

// Programs returns the names of the host's program directories that are real ones.
func Programs() []string {
	var names []string
	for _, name := range programs {
		if info, err := os.Lstat("/" + name); err == nil && info.IsDir() {
			names = append(names, name)
		}
	}
	return names
}

// HostSettings writes into dir what a guest's root has of the host's: the links and
// mount points of its program directories, and settings.
func HostSettings(dir string) error {
	for _, name := range programs {
		target, err := os.Readlink("/" + name)
		if err == nil {
			err = os.Symlink(target, filepath.Join(dir, name))
		} else if info, statErr := os.Lstat("/" + name); statErr == nil && info.IsDir() {
			err = os.Mkdir(filepath.Join(dir, name), 0o755)
		} else {
			err = nil
		}
		if err != nil {
			return err
		}
	}
	for _, name := range settings {
		target := filepath.Join(dir, "etc", name)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		err := Copy(target, filepath.Join("/etc", name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return copyAlternatives(filepath.Join(dir, alternatives))
}

// copyAlternatives copies the links of programs; those of manual pages, half of all,
// are not worth the time.
func copyAlternatives(dir string) error {
	entries, err := os.ReadDir(alternatives)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, entry := range entries {
		target, err := os.Readlink(filepath.Join(alternatives, entry.Name()))
		if err != nil || strings.HasSuffix(target, ".gz") {
			continue
		}
		if err := os.Symlink(target, filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// Tools writes into dir, by program directory, the commands that go to a guest's
// first process and would otherwise look for the host's systemd.
func Tools(dir string) error {
	var names []string
	entries, err := tools.ReadDir("tools")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	// Where the host has a command it is shadowed, in every directory that has it.
	for _, name := range names {
		content, err := tools.ReadFile("tools/" + name)
		if err != nil {
			return err
		}
		for _, at := range toolDirectories(name) {
			path := filepath.Join(dir, at, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			if err := writeFile(path, content, 0o755); err != nil {
				return err
			}
		}
	}
	return helper(dir)
}

// helper copies the host's setpriv(1), set-uid root, for the guest's sudo. Nobody on
// the host can reach it: the lab's directory is its owner's alone. For an ordinary
// user's guests the bit means nothing, and everybody there is root anyway.
func helper(dir string) error {
	source, err := exec.LookPath("setpriv")
	if err != nil {
		return nil //nolint:nilerr // then the guest's sudo says so
	}
	content, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "usr/libexec/lab/setpriv")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return writeFile(path, content, 0o755|fs.ModeSetuid)
}

// toolDirectories are the directories in which a tool must lie to be found first:
// where the host has it, and in /usr/bin in any case.
func toolDirectories(name string) []string {
	found := []string{"usr/bin"}
	for _, dir := range []string{"usr/sbin", "usr/local/bin", "usr/local/sbin", "bin", "sbin"} {
		if !isRealDir(dir) {
			continue
		}
		if _, err := os.Lstat(filepath.Join("/", dir, name)); err == nil {
			found = append(found, dir)
		}
	}
	return found
}

// isRealDir reports whether neither the directory nor one above it is a link: what a
// link leads to is shadowed there.
func isRealDir(dir string) bool {
	path := "/"
	for _, element := range strings.Split(dir, "/") {
		path = filepath.Join(path, element)
		if info, err := os.Lstat(path); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}

// mirrorDepth is how deep Mirror goes: far enough for what is commonly installed by
// hand, and a fraction of a large host's directories.
func mirrorDepth(relative string) int {
	switch top, _, _ := strings.Cut(relative, "/"); top {
	case "lib", "local":
		return 3
	default:
		return 2
	}
}

// Mirror writes into dir the directories of the host's program directory name, empty
// and owned by the caller. A guest with a single user id could not write into the
// host's, whose owner it has no number for; into these it can, and the overlay shows
// the host's files in them all the same.
func Mirror(dir, name string) error {
	root := filepath.Join("/", name)
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrPermission) {
			return fs.SkipDir
		}
		if err != nil {
			return err
		}
		if !entry.IsDir() {
			return nil
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(dir, relative), 0o755); err != nil {
			return err
		}
		if strings.Count(relative, "/") >= mirrorDepth(relative)-1 {
			return fs.SkipDir
		}
		return nil
	})
}
