package cloudinit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// defaultUser is the id of the user that an image's owner has set up for people to log in
// as: ec2-user, admin.
const defaultUser = "1000"

// authorizedKeys lets the holder of the instance's key pair in as the default user. Root
// gets the key too, with a command that sends whoever uses it away.
// https://docs.cloud-init.io/en/latest/reference/modules.html#ssh
func (b *boot) authorizedKeys() error {
	if b.PublicKey == "" {
		return nil
	}
	var failed error
	name, home := b.loginUser()
	if name != "" {
		failed = b.authorize(name, home, b.PublicKey)
	}
	away := fmt.Sprintf(`no-port-forwarding,no-agent-forwarding,no-X11-forwarding,command="echo 'Please login as the user \"%s\" rather than the user \"root\".';echo;sleep 10;exit 142" `, name)
	return errors.Join(failed, b.authorize("root", "/root", away+b.PublicKey))
}

// loginUser is the default user's name and home.
func (b *boot) loginUser() (name, home string) {
	for line := range strings.Lines(b.read("etc/passwd") + "\n") {
		if fields := strings.Split(strings.TrimSpace(line), ":"); len(fields) > 5 && fields[2] == defaultUser {
			return fields[0], fields[5]
		}
	}
	return "", ""
}

// authorize adds a line to a user's authorized keys, unless it is there.
func (b *boot) authorize(owner, home, line string) error {
	dir := b.path(home, ".ssh")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, "authorized_keys")
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if slices.Contains(strings.Split(string(content), "\n"), line) {
		return nil
	}
	if len(content) > 0 && !strings.HasSuffix(string(content), "\n") {
		content = append(content, '\n')
	}
	if err := os.WriteFile(path, append(content, line+"\n"...), 0o600); err != nil {
		return err
	}
	// Where one user id is all that the guest has, it has them all.
	if err := b.chown(path, owner+":"+owner); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}
