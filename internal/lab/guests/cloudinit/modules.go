package cloudinit

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// bootCommands runs bootcmd, on every boot.
func (b *boot) bootCommands() {
	if b.config.bootcmd == "" {
		return
	}
	path := b.state("bootcmd")
	if err := os.WriteFile(path, []byte(b.config.bootcmd), 0o700); err != nil {
		b.warn("bootcmd: %v", err)
		return
	}
	b.exec("bootcmd", path, "INSTANCE_ID="+b.InstanceID)
}

// runCommands leaves runcmd among the user's scripts, where its name puts it last.
func (b *boot) runCommands() error {
	if b.config.runcmd == "" {
		return nil
	}
	return os.WriteFile(b.state("scripts", "runcmd"), []byte(b.config.runcmd), 0o700)
}

func (b *boot) writeFiles() error {
	var failed error
	for _, file := range b.config.writeFiles {
		if err := b.writeFile(file); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

func (b *boot) writeFile(file writeFile) error {
	path := b.path(file.path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if file.appended {
		flags = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	handle, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return err
	}
	_, err = handle.WriteString(file.content)
	if err := errors.Join(err, handle.Close()); err != nil {
		return err
	}
	if file.owner != "" {
		// The owner before the mode: chown(2) clears the set-id bits.
		if err := b.chown(path, file.owner); err != nil {
			return err
		}
	}
	return os.Chmod(path, file.mode)
}

// chown gives a file to "user" or "user:group" of the machine's own user list.
func (b *boot) chown(path, owner string) error {
	user, group, _ := strings.Cut(owner, ":")
	uid, err := b.lookup("etc/passwd", user)
	if err != nil {
		return err
	}
	gid := -1
	if group != "" {
		if gid, err = b.lookup("etc/group", group); err != nil {
			return err
		}
	}
	return os.Chown(path, uid, gid)
}

// lookup finds the number of a user or group (passwd(5), group(5)).
func (b *boot) lookup(list, name string) (int, error) {
	if id, err := strconv.Atoi(name); err == nil {
		return id, nil
	}
	file, err := os.Open(b.path(list))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if fields := strings.Split(lines.Text(), ":"); len(fields) > 2 && fields[0] == name {
			return strconv.Atoi(fields[2])
		}
	}
	return 0, fmt.Errorf("%s has no %q", list, name)
}
