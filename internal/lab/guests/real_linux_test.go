package guests

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReal_userDataRunsAndPowersOff(t *testing.T) {
	g := start(t, sharedHost(t), Spec{Hostname: "ip-10-0-0-7", UserData: []byte(`#!/bin/bash
echo "hello from $(hostname), user $(id -u), home ${HOME-unset}, in $PWD"
echo straight > /dev/console
test -c /dev/ttyS0 || echo "no serial port"
echo kept > /root/kept
poweroff
sleep 60
echo "still here"
`)})

	g.awaitOff(t)

	console := g.screen.String()
	for _, want := range []string{
		"cloud-init[1]: hello from ip-10-0-0-7, user 0, home unset, in /\n",
		"straight\n", "reboot: Power down\n",
	} {
		if !strings.Contains(console, want) {
			t.Errorf("the console lacks %q:\n%s", want, console)
		}
	}
	for _, never := range []string{"still here", "no serial port", "exit code"} {
		if strings.Contains(console, never) {
			t.Errorf("the console says %q:\n%s", never, console)
		}
	}
	if _, _, err := g.Run(t.Context(), "true"); !errors.Is(err, ErrOff) {
		t.Errorf("running a command in a guest that is off: %v", err)
	}
	content, err := os.ReadFile(filepath.Join(g.freeze(t).Dir, "root/root/kept"))
	if err != nil || string(content) != "kept\n" {
		t.Errorf("the frozen layer has %q, %v", content, err)
	}
	select {
	case <-g.off:
		t.Error("Off was called twice")
	default:
	}
}

func TestReal_waysToGoOff(t *testing.T) {
	for _, command := range []string{
		"poweroff", "halt -p", "shutdown -h now", "/sbin/shutdown -P now", "systemctl poweroff", "systemctl --no-block poweroff",
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			g := start(t, sharedHost(t), Spec{OS: "debian"})
			g.screen.await(t, finished, 1)
			_, _, _ = g.Run(t.Context(), command+"; sleep 60")
			g.awaitOff(t)
		})
	}
}

func TestReal_console(t *testing.T) {
	g := start(t, sharedHost(t), Spec{UserData: []byte("#!/bin/sh\necho 1 >&2\nprintf 'no end'\nexit 3")})

	g.screen.await(t, finished, 1)

	console := g.screen.String()
	for _, want := range []string{
		"Cloud-init v. ", "running 'modules:final' at", "cloud-init[1]: 1\n", "no end",
		"script part-001: exit code 3\n", "Datasource DataSourceEc2Local.  Up ",
	} {
		if !strings.Contains(console, want) {
			t.Errorf("the console lacks %q:\n%s", want, console)
		}
	}
	if log := g.sh(t, "cat /var/log/cloud-init-output.log"); !strings.Contains(log, "\n1\nno end") {
		t.Errorf("the log has\n%s", log)
	}
	if got := g.sh(t, "cloud-init status || true"); got != "status: error" {
		t.Errorf("cloud-init status says %q", got)
	}
}

func TestReal_run(t *testing.T) {
	g := start(t, sharedHost(t), Spec{InstanceID: "i-run"})
	cases := []struct {
		name, script, output string
		code                 int
	}{
		{"both outputs in order", "echo one; echo two >&2; echo three", "one\ntwo\nthree\n", 0},
		{"exit code", "exit 42", "", 42},
		{"killed", "kill -9 $$", "", 137},
		{"missing command", "exec no-such-command 2>/dev/null", "", 127},
		{"interpreter", "#!/bin/bash\necho ${BASH_VERSION:+bash}", "bash\n", 0},
		{"environment", "echo $AWS_SSM_INSTANCE_ID $HOME $PWD", "i-run /root /\n", 0},
		{"no input", "cat", "", 0},
		{"daemon left behind", "sleep 1000 & echo done", "done\n", 0},
		{"not valid UTF-8", `printf '\377\n'`, "\xff\n", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			output, code, err := g.Run(t.Context(), c.script)
			if err != nil || output != c.output || code != c.code {
				t.Errorf("got %q, exit code %d, %v; want %q, %d", output, code, err, c.output, c.code)
			}
		})
	}
	if _, _, err := g.Run(t.Context(), "#!/no/such/interpreter"); err == nil {
		t.Error("a script without its interpreter ran")
	}
}

func TestReal_runIsCancelled(t *testing.T) {
	g := start(t, sharedHost(t), Spec{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)

	go func() {
		output, code, err := g.Run(ctx, "echo before; echo command under way > /dev/console; sleep 1000; echo after")
		if output != "before\n" || code != 137 {
			err = errors.Join(err, fmt.Errorf("output %q, exit code %d", output, code))
		}
		done <- err
	}()
	g.screen.await(t, "command under way", 1)
	cancel()

	if err := <-done; !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "output") {
		t.Error(err)
	}
	if left := g.sh(t, "ps ax | grep -c '[s]leep 1000' || true"); left != "0" {
		t.Errorf("%s of the command's processes live on", left)
	}
}

func TestReal_metadata(t *testing.T) {
	g := start(t, sharedHost(t), Spec{
		UserData: []byte("#!/bin/sh\n" + fetch + " http://169.254.169.254/latest/meta-data/ami-launch-index\n"),
		Metadata: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "answer to "+r.Method+" "+r.URL.Path)
		}),
	})

	g.screen.await(t, finished, 1)

	if want := "answer to GET /latest/meta-data/ami-launch-index"; !strings.Contains(g.screen.String(), want) {
		t.Errorf("the console lacks %q:\n%s", want, g.screen)
	}
	if got := g.sh(t, fetch+" http://169.254.169.254/x"); got != "answer to GET /x" {
		t.Errorf("a command got %q", got)
	}
}

// A server of the guest's own may listen at port 80 of all addresses, as web servers do
// unless they are told otherwise, and metadata stays what it is.
func TestReal_portEighty(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3 to serve with")
	}
	g := start(t, sharedHost(t), Spec{
		Metadata: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metadata") }),
	})
	const serve = `mkdir -p /srv/www && cd /srv/www && echo hello > index.html
python3 -m http.server 80 > /root/serving 2>&1 &
for i in $(seq 100); do curl -fs http://127.0.0.1/ && break; sleep 0.1; done || cat /root/serving
`
	if got := g.sh(t, serve+fetch+" http://169.254.169.254/"); got != "hello\nmetadata" {
		t.Errorf("port 80 and the metadata service answer %q; the server said %q", got, g.sh(t, "cat /root/serving"))
	}
}

// fetch prints what a URL answers.
const fetch = "f() { if command -v curl >/dev/null; then curl -fsS \"$1\"; else wget -qO- \"$1\"; fi; }; f"

func TestReal_rebootComesBack(t *testing.T) {
	g := start(t, sharedHost(t), Spec{UserData: mimeMessage(
		part("text/x-shellscript", "#!/bin/sh\necho script >> /root/log\ntouch /tmp/gone /run/gone\nhostnamectl set-hostname renamed\nreboot\n"),
		part("text/cloud-boothook", "#!/bin/sh\necho hook $INSTANCE_ID >> /root/log\n"),
	)})

	// The first boot may still have told that it finished, or not: the second is awaited.
	g.screen.await(t, "modules:final", 2)

	if diff := cmp.Diff("hook i-0123456789abcdef0\nscript\nhook i-0123456789abcdef0", g.sh(t, "cat /root/log")); diff != "" {
		t.Errorf("what ran (-want +got):\n%s", diff)
	}
	if got := g.sh(t, "ls /tmp/gone /run/gone 2>/dev/null | wc -l; hostname"); got != "0\nrenamed" {
		t.Errorf("after the reboot: %q", got)
	}
	if len(g.off) > 0 {
		t.Error("a reboot called Off")
	}
}

func TestReal_stopAndBoot(t *testing.T) {
	g := start(t, sharedHost(t), Spec{UserData: []byte("#!/bin/sh\necho once >> /root/log\n")})
	g.screen.await(t, finished, 1)
	g.sh(t, "trap '' TERM; (while :; do sleep 100; done) >/dev/null 2>&1 & echo left > /root/left")
	if err := g.Boot(); !errors.Is(err, errRunning) {
		t.Errorf("booting a running guest: %v", err)
	}

	g.Stop()
	g.Stop()
	if err := g.Boot(); err != nil {
		t.Fatal(err)
	}
	g.screen.await(t, finished, 2)

	if got := g.sh(t, "cat /root/log /root/left"); got != "once\nleft" {
		t.Errorf("the disk has %q", got)
	}
	if len(g.off) > 0 {
		t.Error("a stop from outside called Off")
	}
}

func TestReal_manyAtOnce(t *testing.T) {
	host := sharedHost(t)
	began := time.Now()
	var all []*guest
	for i := range 12 {
		all = append(all, start(t, host, Spec{
			InstanceID: fmt.Sprintf("i-%d", i), Hostname: fmt.Sprintf("web-%d", i),
			UserData: []byte("#!/bin/sh\nhostname > /root/name\n"),
		}))
	}

	var names, machines []string
	for _, g := range all {
		g.screen.await(t, finished, 1)
		names = append(names, g.sh(t, "cat /root/name"))
		machines = append(machines, g.sh(t, "cat /etc/machine-id"))
	}

	t.Logf("12 guests booted in %v", time.Since(began))
	if names[0] != "web-0" || names[11] != "web-11" {
		t.Errorf("host names %v", names)
	}
	slices.Sort(machines)
	if distinct := len(slices.Compact(machines)); distinct != 12 {
		t.Errorf("12 guests have %d machine ids", distinct)
	}
}
