package cloudinit

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// bench is a machine in a temporary directory whose programs only leave a trace.
type bench struct {
	root    string
	console strings.Builder
	name    string
	ran     []string
	// results are what programs end with, by the base of their path.
	results map[string]error
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{root: t.TempDir(), results: map[string]error{}}
	b.put(t, "etc/machine-id", "")
	return b
}

func (b *bench) put(t *testing.T, path, content string) {
	t.Helper()
	full := filepath.Join(b.root, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) get(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(b.root, path))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(content))
}

// boot boots as an instance and returns what ran.
func (b *bench) boot(instanceID, userData string) []string {
	b.ran = nil
	b.console.Reset()
	Boot(Machine{
		Root: b.root, Booted: time.Now(), InstanceID: instanceID, Hostname: "ip-172-31-0-5",
		UserData: []byte(userData), Out: &b.console,
		SetHostname: func(name string) error { b.name = name; return nil },
		Exec: func(path string, env []string) (int, error) {
			b.ran = append(b.ran, filepath.Base(path))
			return 0, b.results[filepath.Base(path)]
		},
	})
	return b.ran
}

const everything = "Content-Type: multipart/mixed; boundary=b\n\n" +
	"--b\nContent-Type: text/x-shellscript; name=a-script\n\n#!\n" +
	"--b\nContent-Type: text/cloud-boothook; name=hook\n\n#!\n" +
	"--b\nContent-Type: text/cloud-config; name=config\n\nbootcmd: [x]\nruncmd: [y]\n" +
	"--b--\n"

func TestBoot_whatRunsWhen(t *testing.T) {
	b := newBench(t)
	steps := []struct {
		name, instance string
		want           []string
	}{
		{"first boot", "i-1", []string{"hook", "bootcmd", "a-script", "runcmd"}},
		{"second boot", "i-1", []string{"hook", "bootcmd"}},
		{"a clone's first boot", "i-2", []string{"hook", "bootcmd", "a-script", "runcmd"}},
		{"the first again", "i-1", []string{"hook", "bootcmd"}},
	}
	for _, step := range steps {
		if diff := cmp.Diff(step.want, b.boot(step.instance, everything)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
	if got := b.get(t, "var/lib/cloud/data/previous-instance-id"); got != "i-2" {
		t.Errorf("the previous instance was %q", got)
	}
	if link, err := os.Readlink(filepath.Join(b.root, "var/lib/cloud/instance")); err != nil || link != "/var/lib/cloud/instances/i-1" {
		t.Errorf("the instance is %q, %v", link, err)
	}
}

func TestBoot_scriptsOnTheDisk(t *testing.T) {
	b := newBench(t)
	for path, mode := range map[string]os.FileMode{
		"per-boot/20-b": 0o755, "per-boot/10-a": 0o755, "per-boot/notes.txt": 0o644, "per-instance/i": 0o755, "per-once/o": 0o755,
	} {
		b.put(t, "var/lib/cloud/scripts/"+path, "#!")
		if err := os.Chmod(filepath.Join(b.root, "var/lib/cloud/scripts", path), mode); err != nil {
			t.Fatal(err)
		}
	}
	const script = "#!/bin/sh\n"
	for _, step := range []struct {
		name, instance string
		want           []string
	}{
		{"first boot", "i-1", []string{"o", "10-a", "20-b", "i", "part-001"}},
		{"second boot", "i-1", []string{"10-a", "20-b"}},
		{"a clone's first boot", "i-2", []string{"10-a", "20-b", "i", "part-001"}},
	} {
		if diff := cmp.Diff(step.want, b.boot(step.instance, script)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
	b.results["10-a"] = errors.New("exec format error")
	if b.boot("i-2", script); !strings.Contains(b.console.String(), "scripts in /var/lib/cloud/scripts/per-boot): 1 of 2 scripts failed") {
		t.Errorf("the console does not tell of the failure:\n%s", &b.console)
	}
}

func TestBoot_servicesGoBesideTheLastStageButOnDebian(t *testing.T) {
	for release, want := range map[string]string{
		"NAME=\"Amazon Linux\"\nID=\"amzn\"\n": "begun", "NAME=Debian\nID=debian\n": "begun, waited for",
	} {
		b := newBench(t)
		b.put(t, "etc/os-release", release)
		got := ""
		Boot(Machine{
			Root: b.root, InstanceID: "i-1", Hostname: "h", Out: &b.console, SetHostname: func(string) error { return nil },
			StartServices: func() func() { got = "begun"; return func() { got += ", waited for" } },
		})
		if got != want {
			t.Errorf("%q: services are %s, want %s", release, got, want)
		}
	}
}

func TestBoot_hostname(t *testing.T) {
	cases := []struct {
		name, config, file, userData string
		want                         string
	}{
		{name: "EC2's", want: "ip-172-31-0-5"},
		{name: "an image's is replaced", file: "golden", want: "ip-172-31-0-5"},
		{name: "configured", userData: "#cloud-config\nhostname: web-001\n", want: "web-001"},
		{name: "preserved by the image", config: "preserve_hostname: true", file: "golden", want: "golden"},
		{name: "preserved by user data", userData: "#cloud-config\npreserve_hostname: yes\n", file: "golden", want: "ip-172-31-0-5"},
		{name: "preserved, but there is none", config: "preserve_hostname: True", want: "ip-172-31-0-5"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.put(t, "etc/cloud/cloud.cfg.d/10.cfg", c.config)
			if c.file != "" {
				b.put(t, "etc/hostname", c.file)
			}
			b.boot("i-1", c.userData)
			if b.name != c.want || b.get(t, "etc/hostname") != c.want {
				t.Errorf("called %q, /etc/hostname has %q, want %q", b.name, b.get(t, "etc/hostname"), c.want)
			}
		})
	}
}

func TestBoot_handMadeHostnameOutlivesReboots(t *testing.T) {
	b := newBench(t)
	b.boot("i-1", "")
	b.put(t, "etc/hostname", "mine\n")
	if b.boot("i-1", ""); b.name != "mine" {
		t.Errorf("after a reboot it is called %q", b.name)
	}
	if b.boot("i-2", ""); b.name != "ip-172-31-0-5" {
		t.Errorf("a clone is called %q", b.name)
	}
}

func TestBoot_managedHosts(t *testing.T) {
	for userData, want := range map[string]string{
		"": "by hand", "#cloud-config\nmanage_etc_hosts: true\n": "127.0.1.1 ip-172-31-0-5\n127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback",
		"#cloud-config\nmanage_etc_hosts: false\n": "by hand",
	} {
		b := newBench(t)
		b.put(t, "etc/hosts", "by hand\n")
		if b.boot("i-1", userData); b.get(t, "etc/hosts") != want {
			t.Errorf("%q leaves %q in /etc/hosts, want %q", userData, b.get(t, "etc/hosts"), want)
		}
	}
}

func TestBoot_machineID(t *testing.T) {
	for content, kept := range map[string]bool{"": false, "uninitialized\n": false, "0123\n": true} {
		b := newBench(t)
		b.put(t, "etc/machine-id", content)
		b.boot("i-1", "")
		got := b.get(t, "etc/machine-id")
		if kept && got != "0123" || !kept && len(got) != 32 {
			t.Errorf("%q became %q", content, got)
		}
	}
}

func TestBoot_writeFiles(t *testing.T) {
	b := newBench(t)
	b.put(t, "srv/log", "one\n")
	b.boot("i-1", `#cloud-config
write_files:
  - path: /srv/deep/file
    permissions: "0640"
    content: |
      text
  - {path: /srv/packed, encoding: gz+b64, content: H4sIAAAAAAACA0vKzMsGAMLuc9YEAAAA}
  - path: /srv/plain
    encoding: b64
    content: aGk=
  - path: /srv/log
    append: true
    content: two
`)
	info, err := os.Stat(filepath.Join(b.root, "srv/deep/file"))
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info, err)
	}
	for path, want := range map[string]string{"srv/deep/file": "text", "srv/plain": "hi", "srv/packed": "bink", "srv/log": "one\ntwo"} {
		if got := b.get(t, path); got != want {
			t.Errorf("%s has %q, want %q", path, got, want)
		}
	}
}

func TestBoot_failuresAreSaidAndKept(t *testing.T) {
	b := newBench(t)
	b.results["a-script"] = errors.New("fork/exec: exec format error")

	ran := b.boot("i-1", everything)

	if len(ran) != 4 {
		t.Errorf("ran %v", ran)
	}
	for _, want := range []string{"a-script: exec format error. Missing #! in script?", "1 of 2 scripts failed", " finished at "} {
		if !strings.Contains(b.console.String(), want) {
			t.Errorf("the console lacks %q:\n%s", want, b.console.String())
		}
	}
	if result := b.get(t, "run/cloud-init/result.json"); !strings.Contains(result, "Missing #!") {
		t.Errorf("the result is %s", result)
	}
}
