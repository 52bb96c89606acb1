package cloudinit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Machine is what Boot boots.
type Machine struct {
	// Root is the directory of the machine's file system: "/" inside it.
	Root string
	// Booted is when the machine started.
	Booted time.Time
	// InstanceID decides what has been done before.
	InstanceID string
	// Hostname is EC2's; a preserved or configured one goes before it.
	Hostname string
	// UserData is raw, gzipped or not.
	UserData []byte
	// PublicKey is the line of the instance's key pair; empty without one.
	PublicKey string
	// Out receives what a person reads on the console.
	Out io.Writer
	// SetHostname tells the kernel.
	SetHostname func(name string) error
	// StartServices starts what starts beside cloud-init's last stage, and returns what
	// waits until it has started; nil has none.
	StartServices func() (started func())
	// Exec runs an executable file with this environment and returns its exit code,
	// or an error when it could not be started. What it prints goes to Out.
	Exec func(path string, env []string) (int, error)
}

// environment is what boot scripts find set: what systemd gives to a service, which
// has no HOME and no USER (systemd.exec(5)).
var environment = []string{
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"LANG=C.UTF-8",
}

// version is the cloud-init that Amazon Linux 2023 ships.
const version = "22.2.2"

// timeLayout is how cloud-init writes times on the console.
const timeLayout = "Mon, 02 Jan 2006 15:04:05 -0700"

// boot is one boot under way.
type boot struct {
	Machine
	config cloudConfig
	errors []string
}

// Boot boots the machine. Like cloud-init it goes on after a part that fails, having
// said so on the console.
func Boot(m Machine) {
	b := &boot{Machine: m}
	b.must(b.machineID(), "machine-id")
	b.stage("init-local")
	b.must(b.instance(), "instance state")
	parts, err := Parse(m.UserData)
	b.must(err, "user data")
	b.readConfig(parts)
	b.must(b.hostname(), "host name")
	b.stage("init")
	b.bootHooks(parts)
	b.bootCommands()
	b.must(b.etcHosts(), "update_etc_hosts")
	b.once("write_files", b.writeFiles)
	b.once("ssh", func() error { return errors.Join(b.hostKeys(), b.authorizedKeys()) })
	b.stage("modules:config")
	b.once("runcmd", b.runCommands)
	b.once("user_scripts", func() error { return b.writeScripts(parts) })
	b.services()
	b.stage("modules:final")
	b.scripts(parts)
	b.finish()
}

// services starts the machine's own services. On Debian cloud-init's last stage comes
// after multi-user.target, so a service that waits there for cloud-init waits for
// ever; elsewhere the two go side by side.
// https://salsa.debian.org/cloud-team/cloud-init/-/blob/master/systemd/cloud-final.service.tmpl
func (b *boot) services() {
	if b.StartServices == nil {
		return
	}
	if started := b.StartServices(); strings.Contains("\n"+b.read("etc/os-release")+"\n", "\nID=debian\n") {
		started()
	}
}

func (b *boot) uptime() float64 { return time.Since(b.Booted).Seconds() }

func (b *boot) say(format string, args ...any) { fmt.Fprintf(b.Out, format+"\n", args...) }

// stage prints what cloud-init prints as each of its stages begins.
func (b *boot) stage(name string) {
	b.say("Cloud-init v. %s running '%s' at %s. Up %.2f seconds.",
		version, name, time.Now().UTC().Format(timeLayout), b.uptime())
}

// warn prints a warning and keeps it for the result.
func (b *boot) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	b.errors = append(b.errors, text)
	b.say("%s - cloud-init[WARNING]: %s", time.Now().UTC().Format("2006-01-02 15:04:05,000"), text)
}

// must warns of an error in what was being done.
func (b *boot) must(err error, doing string) {
	if err != nil {
		b.warn("%s: %v", doing, err)
	}
}

// path is a path of the machine.
func (b *boot) path(elements ...string) string {
	return filepath.Join(append([]string{b.Root}, elements...)...)
}

// state is a path in the instance's own state.
func (b *boot) state(elements ...string) string {
	return b.path(append([]string{"var/lib/cloud/instances", b.InstanceID}, elements...)...)
}

// instance makes this instance id the current one.
func (b *boot) instance() error {
	for _, dir := range []string{"sem", "scripts", "boothooks"} {
		if err := os.MkdirAll(b.state(dir), 0o755); err != nil {
			return err
		}
	}
	// https://docs.cloud-init.io/en/latest/reference/faq.html#var-lib-cloud
	for _, dir := range []string{"data", "handlers", "scripts/per-boot", "scripts/per-instance", "scripts/per-once", "scripts/vendor", "seed", "sem"} {
		if err := os.MkdirAll(b.path("var/lib/cloud", dir), 0o755); err != nil {
			return err
		}
	}
	previous, err := os.ReadFile(b.path("var/lib/cloud/data/instance-id"))
	if err == nil {
		if err := b.write("var/lib/cloud/data/previous-instance-id", string(previous), 0o644); err != nil {
			return err
		}
	}
	if err := b.write("var/lib/cloud/data/instance-id", b.InstanceID+"\n", 0o644); err != nil {
		return err
	}
	link := b.path("var/lib/cloud/instance")
	if err := os.RemoveAll(link); err != nil {
		return err
	}
	if err := os.Symlink(filepath.Join("/var/lib/cloud/instances", b.InstanceID), link); err != nil {
		return err
	}
	if err := os.RemoveAll(b.state("boot-finished")); err != nil {
		return err
	}
	if err := os.WriteFile(b.state("user-data.txt"), b.UserData, 0o600); err != nil {
		return err
	}
	return b.write("run/cloud-init/status.json", `{"v1": {"stage": "init"}}`+"\n", 0o644)
}

// once does something once per instance id. The note is made before it is done, as
// cloud-init makes it, so that a script that reboots the machine is not run again.
func (b *boot) once(name string, do func() error) {
	note := b.state("sem", "config_"+name)
	if _, err := os.Stat(note); err == nil {
		return
	}
	b.must(os.WriteFile(note, nil, 0o644), name)
	b.must(do(), name)
}

// bootHooks runs the boot hooks, on every boot, in the order of the parts.
func (b *boot) bootHooks(parts []Part) {
	for _, part := range parts {
		if part.Type != TypeBootHook {
			continue
		}
		path := b.state("boothooks", part.Name)
		if err := os.WriteFile(path, part.Body, 0o700); err != nil {
			b.warn("boothook %s: %v", part.Name, err)
			continue
		}
		b.exec("boothook", path, "INSTANCE_ID="+b.InstanceID)
	}
}

// exec runs a file and reports whether it ended well.
func (b *boot) exec(what, path string, more ...string) bool {
	code, err := b.Exec(path, append(append([]string{}, environment...), more...))
	switch {
	case err != nil && strings.Contains(err.Error(), "exec format error"):
		b.warn("%s %s: exec format error. Missing #! in script?", what, filepath.Base(path))
	case err != nil:
		b.warn("%s %s: %v", what, filepath.Base(path), err)
	case code != 0:
		b.warn("%s %s: exit code %d", what, filepath.Base(path), code)
	default:
		return true
	}
	return false
}

// finish prints cloud-init's last line and leaves what `cloud-init status` reads.
func (b *boot) finish() {
	line := fmt.Sprintf("Cloud-init v. %s finished at %s. Datasource DataSourceEc2Local.  Up %.2f seconds",
		version, time.Now().UTC().Format(timeLayout), b.uptime())
	b.must(os.WriteFile(b.state("boot-finished"), []byte(line+"\n"), 0o644), "boot-finished")
	b.must(b.writeResult(), "result.json")
	b.say("%s", line)
}

// write writes a file of the machine, with the directories above it.
func (b *boot) write(path, content string, mode fs.FileMode) error {
	full := b.path(path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	return os.WriteFile(full, []byte(content), mode)
}
