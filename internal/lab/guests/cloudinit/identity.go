package cloudinit

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// machineID gives the machine an id when it has none. systemd does this before
// cloud-init runs: https://www.freedesktop.org/software/systemd/man/latest/machine-id.html
func (b *boot) machineID() error {
	content, err := os.ReadFile(b.path("etc/machine-id"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if id := strings.TrimSpace(string(content)); id != "" && id != "uninitialized" {
		return nil
	}
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return err
	}
	return b.write("etc/machine-id", hex.EncodeToString(id[:])+"\n", 0o444)
}

// hostname names the machine: as /etc/hostname says when it is preserved or when it
// was changed by hand after cloud-init had set it, otherwise as the configuration or
// EC2 says. https://docs.cloud-init.io/en/latest/reference/modules.html#update-hostname
func (b *boot) hostname() error {
	present := b.read("etc/hostname")
	if b.config.preserveHostname && present != "" {
		return b.SetHostname(present)
	}
	wanted := b.Hostname
	if b.config.hostname != "" {
		wanted = b.config.hostname
	}
	const note = "var/lib/cloud/data/previous-hostname"
	sameInstance := b.read("var/lib/cloud/data/previous-instance-id") == b.InstanceID
	if sameInstance && present != "" && present != b.read(note) {
		return b.SetHostname(present)
	}
	if err := b.write("etc/hostname", wanted+"\n", 0o644); err != nil {
		return err
	}
	if err := b.write(note, wanted+"\n", 0o644); err != nil {
		return err
	}
	return b.SetHostname(wanted)
}

// etcHosts writes /etc/hosts anew, where cloud-init is to manage it: with the name that
// configuration or EC2 gives, whatever the machine is called.
// https://docs.cloud-init.io/en/latest/reference/modules.html#update-etc-hosts
func (b *boot) etcHosts() error {
	if !b.config.manageEtcHosts {
		return nil
	}
	name := b.Hostname
	if b.config.hostname != "" {
		name = b.config.hostname
	}
	return b.write("etc/hosts", "127.0.1.1 "+name+"\n127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n", 0o644)
}

// read returns a small file's text without surrounding space; empty if there is none.
func (b *boot) read(path string) string {
	content, err := os.ReadFile(b.path(path))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}

// hostKeys gives the machine SSH host keys when it has none. (cloud-init itself also
// replaces those that an image brought along; here they stay, so that an image that
// was captured with its keys shows.)
func (b *boot) hostKeys() error {
	found, err := filepath.Glob(b.path("etc/ssh/ssh_host_*_key"))
	if err != nil || len(found) > 0 {
		return err
	}
	keys, err := newHostKeys("root@" + b.Hostname)
	if err != nil {
		return err
	}
	for _, key := range keys {
		name := "etc/ssh/ssh_host_" + key.kind + "_key"
		if err := b.write(name, key.private, 0o600); err != nil {
			return err
		}
		if err := b.write(name+".pub", key.public, 0o644); err != nil {
			return err
		}
	}
	b.say("-----BEGIN SSH HOST KEY KEYS-----")
	for _, key := range keys {
		b.say("%s", strings.TrimSpace(key.public))
	}
	b.say("-----END SSH HOST KEY KEYS-----")
	return nil
}

// writeResult leaves the files that say that cloud-init is done, and how.
func (b *boot) writeResult() error {
	var result struct {
		V1 struct {
			Datasource string   `json:"datasource"`
			Errors     []string `json:"errors"`
		} `json:"v1"`
	}
	result.V1.Datasource = "DataSourceEc2Local"
	result.V1.Errors = append([]string{}, b.errors...)
	content, err := json.MarshalIndent(result, "", " ")
	if err != nil {
		return err
	}
	if err := b.write("run/cloud-init/status.json", `{"v1": {"stage": null}}`+"\n", 0o644); err != nil {
		return err
	}
	return b.write("run/cloud-init/result.json", string(content)+"\n", 0o644)
}
