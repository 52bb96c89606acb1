package guest

import (
	"bytes"
	"encoding/base64"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// send runs one command as the agent would, and returns what it has printed.
func send(t *testing.T, shell []string, root string, command Command) Report {
	t.Helper()
	return ParseConsole("abc123", run(t, shell, root, command.Script).console)
}

// sendTwice sends a command that does an item a second time, which must tell the same.
func sendTwice(t *testing.T, shell []string, root string, command Command) Report {
	t.Helper()
	first := send(t, shell, root, command)
	if !first.Done || first.Failure != nil {
		t.Fatalf("%s: %+v", command.Title, first)
	}
	if command.Number == 0 {
		return first
	}
	if diff := cmp.Diff(first, send(t, shell, root, command)); diff != "" {
		t.Errorf("%s, sent again, told something else (-first +again):\n%s", command.Title, diff)
	}
	return first
}

func commandsOf(t *testing.T, root string, bake Bake) []Command {
	t.Helper()
	bake.Nonce = "abc123"
	where := around(root)
	where.powerOff = "	echo off >" + root + "/off"
	commands, err := bake.commands(where)
	if err != nil {
		t.Fatal(err)
	}
	return commands
}

// until waits for something that happens in another process.
func until(t *testing.T, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for tries := 0; !happened(); tries++ {
		if tries > 1000 {
			t.Fatal("it did not happen")
		}
		<-tick.C
	}
}

func there(root, name string) bool {
	_, err := os.Stat(filepath.Join(root, name))
	return err == nil
}

// A bake by commands: each tells what it has done, and may be sent again.
func TestCommands_eachMayBeSentAgain(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, map[string]string{"etc/machine-id": "0123\n", "var/lib/amazon/ssm/i-1/document/orchestration/x/_script.sh": "ours"})
		commands := commandsOf(t, root, Bake{
			Steps: []Step{
				{Name: "one", Script: "echo x >> " + root + "/one; for i in 1 2 3; do echo line $i; done"},
				{Name: "app", Upload: &Upload{Destination: "/opt/app", Files: []File{{Mode: "0644", Content: []byte("app")}}}},
				{Name: "there", Local: "true"},
			},
			Checks:  []Check{{Name: "ok", Script: "test -e " + root + "/one"}},
			CleanUp: CleanUp{MachineID: true, SSMRegistration: true},
		})
		var kinds []string
		var last Report
		for _, command := range commands {
			kinds = append(kinds, command.Kind)
			last = sendTwice(t, shell, root, command)
			if command.Number == 1 && (last.Output != "line 1\nline 2\nline 3" || !slices.Equal(last.Passed, []string{`step "one"`})) {
				t.Errorf("the step told %+v", last)
			}
		}
		if diff := cmp.Diff([]string{CommandOpen, CommandRun, CommandRun, CommandLocal, CommandRun, CommandClose}, kinds); diff != "" {
			t.Errorf("kinds (-want +got):\n%s", diff)
		}
		if got := read(t, root, "one"); got != "x\n" {
			t.Errorf("the step ran %d times", strings.Count(got, "x"))
		}
		if len(last.Identity[MachineID]) != 1 {
			t.Errorf("identity %v", last.Identity)
		}
		until(t, func() bool { return there(root, "off") })
		// A command that comes late finds nothing to do, and leaves nothing.
		if late := send(t, shell, root, commands[len(commands)-1]); !late.Done || late.Failure != nil {
			t.Errorf("the late one told %+v", late)
		}
		for _, gone := range []string{"var/lib/stamp-bake", "var/lib/amazon/ssm/i-1"} {
			missing(t, root, gone)
		}
		if read(t, root, "etc/machine-id") != "" {
			t.Error("the machine-id is left")
		}
	})
}

// Taken up again after a crash, a run tells what is done.
func TestCommands_openTellsWhatIsDone(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		commands := commandsOf(t, root, Bake{Steps: []Step{{Name: "one", Script: "true"}, {Name: "two", Script: "exit 4"}, {Name: "three", Script: "true"}}})
		for _, command := range commands[:2] {
			send(t, shell, root, command)
		}
		failed := send(t, shell, root, commands[2])
		if failed.Failure == nil || failed.Failure.ExitCode != 4 {
			t.Errorf("the second told %+v", failed)
		}
		if diff := cmp.Diff(failed, send(t, shell, root, commands[2])); diff != "" {
			t.Errorf("sent again (-first +again):\n%s", diff)
		}
		if got := send(t, shell, root, commands[0]).Finished; !maps.Equal(got, map[int]bool{1: true}) {
			t.Errorf("finished %v", got)
		}
		if there(root, "off") {
			t.Error("a failure switched the machine off")
		}
	})
}

// A command that is sent while an earlier one is at the same step waits for that.
func TestCommands_theSameStepRunsOnceAtATime(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		commands := commandsOf(t, root, Bake{Steps: []Step{{Name: "slow", Script: "echo x >> " + root + "/ran; until [ -e " + root + "/go ]; do sleep 0.1; done; echo done"}}})
		send(t, shell, root, commands[0])
		reports := make(chan Report)
		for range 2 {
			go func() { reports <- send(t, shell, root, commands[1]) }()
		}
		until(t, func() bool { return there(root, "ran") })
		if err := os.WriteFile(filepath.Join(root, "go"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		first, second := <-reports, <-reports
		if diff := cmp.Diff(first, second); diff != "" || first.Output != "done" {
			t.Errorf("they told different things:\n%s", diff)
		}
		if got := read(t, root, "ran"); got != "x\n" {
			t.Errorf("the step ran %d times", strings.Count(got, "x"))
		}
	})
}

// A restart that is asked for passes, once it has happened; any other fails.
func TestCommands_reboots(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		commands := commandsOf(t, root, Bake{Steps: []Step{
			{Name: "kernel", Reboot: true},
			{Name: "hangs", Script: "echo hanging; kill -TERM $(cat " + root + "/var/lib/stamp-bake/item-2/pid) $$; sleep 3"},
		}})
		for range 2 {
			if report := send(t, shell, root, commands[1]); !report.Rebooting {
				t.Fatalf("before the restart it told %+v", report)
			}
		}
		boot := func() {
			if err := os.RemoveAll(filepath.Join(root, "run")); err != nil {
				t.Fatal(err)
			}
		}
		boot()
		if report := send(t, shell, root, commands[1]); report.Rebooting || len(report.Passed) != 1 {
			t.Errorf("after the restart it told %+v", report)
		}
		send(t, shell, root, commands[2])
		boot()
		report := send(t, shell, root, commands[2])
		if report.Failure == nil || !report.Failure.Rebooted || report.Failure.Output != "hanging" {
			t.Errorf("after the other restart it told %+v", report.Failure)
		}
	})
}

// Secrets arrive, and neither what is sent nor what is told nor the disk holds them.
func TestCommands_secretsAreSealed(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not on this machine")
	}
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		secrets := map[string]string{"TOKEN": "hunter2-" + strings.Repeat("long ", 200) + "$(end)'\"", "PEM": "-----BEGIN KEY-----\nMIIB0123456789\n-----END KEY-----\n", "EMPTY": ""}
		commands := commandsOf(t, root, Bake{
			Secrets: secrets,
			Steps:   []Step{{Name: "uses them", Script: `set -x; printf '%s|%s|%s' "$TOKEN" "$PEM" "$EMPTY" | sha256sum; echo "$PEM" "$TOKEN"; exit 3`}},
		})
		key := send(t, shell, root, commands[0]).Key
		sealed, err := commands[1].Seal(key, secrets)
		if err != nil {
			t.Fatal(err)
		}
		result := run(t, shell, root, sealed.Script)
		report := ParseConsole("abc123", result.console)
		if report.Failure == nil || report.Failure.ExitCode != 3 {
			t.Fatalf("%+v\n%s", report, result.console)
		}
		want := hexDigest([]byte(secrets["TOKEN"] + "|" + secrets["PEM"] + "|"))
		if !strings.Contains(report.Failure.Output, want) {
			t.Errorf("the secrets did not arrive as they were: want %s in\n%s", want, report.Failure.Output)
		}
		told := report.Failure.Output + result.console + string(sealed.Script)
		disk := onDisk(t, filepath.Join(root, "var"))
		for _, hidden := range []string{"hunter2", "MIIB0123456789", base64.StdEncoding.EncodeToString([]byte("hunter2-"))[:8]} {
			if strings.Contains(told, hidden) {
				t.Errorf("%q is told:\n%s", hidden, result.console)
			}
			if bytes.Contains(disk, []byte(hidden)) {
				t.Errorf("%q is on the disk", hidden)
			}
		}
		if got := Mask("a hunter2 b "+secrets["TOKEN"], secrets); got != "a hunter2 b ***" {
			t.Errorf("masked: %q", got)
		}
		// Another boot has another key.
		if err := os.RemoveAll(filepath.Join(root, "run")); err != nil {
			t.Fatal(err)
		}
		other := send(t, shell, root, sealed)
		if other.Failure == nil || other.Failure.Phase != PhaseSecrets {
			t.Errorf("with another boot's key: %+v", other.Failure)
		}
	})
}

// onDisk is all that is below a directory.
func onDisk(t *testing.T, dir string) []byte {
	t.Helper()
	var all []byte
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		all = append(all, content...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// What a command carries arrives, whatever its length.
func TestCarry_arrives(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the carriers write where only root may")
	}
	t.Cleanup(func() { _ = os.RemoveAll("/var/lib/stamp-bake") })
	var number atomic.Int64
	inShells(t, func(t *testing.T, shell []string) {
		for name, script := range map[string][]byte{
			"short": []byte("#!/bin/sh\necho it {{ braces }} arrives; exit 7\n"),
			"long":  append(incompressible(3*commandLimit), []byte("echo it {{ braces }} arrives; exit 7\n")...),
		} {
			lines, err := Command{Number: int(number.Add(1)), Script: script}.Carry("n1")
			if err != nil {
				t.Fatal(err)
			}
			if (len(lines) > 1) != (name == "long") {
				t.Errorf("%s: %d lines", name, len(lines))
			}
			var result ran
			for _, line := range lines {
				if len(line) > commandLimit+500 || strings.Contains(line, "{{") {
					t.Errorf("%s: a line of %d bytes: %.80s", name, len(line), line)
				}
				result = run(t, shell, "", []byte(line))
			}
			if result.code != 7 || result.console != "it {{ braces }} arrives\n" {
				t.Errorf("%s: exit code %d, %q", name, result.code, result.console)
			}
		}
	})
}

func TestLoader_fetchesAndChecks(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		touch := func(name string) Step { return Step{Name: name, Script: "touch " + root + "/" + name} }
		script, err := Bake{Nonce: "abc123", Steps: []Step{touch("one"), {Name: "kernel", Reboot: true}, touch("two")}}.render(around(root))
		if err != nil {
			t.Fatal(err)
		}
		staged, err := Stage(script)
		if err != nil {
			t.Fatal(err)
		}
		calls := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls++
			switch {
			case r.URL.Query().Get("sig") != "a b":
				w.WriteHeader(http.StatusForbidden)
			case calls == 1:
				_, _ = w.Write([]byte("half"))
			default:
				_, _ = w.Write(staged.Content)
			}
		}))
		defer server.Close()
		result := boots(t, shell, root, staged.loader("abc123", server.URL+"/?sig=a%20b&x=1", false, around(root)))
		report := ParseConsole("abc123", result.console)
		if !report.Done || report.Failure != nil || !there(root, "one") || !there(root, "two") {
			t.Errorf("%+v\n%s", report, result.console)
		}
		missing(t, root, "var/lib/stamp-bake-staged")
		refused := ParseConsole("abc123", run(t, shell, root, staged.loader("abc123", server.URL+"/", false, around(root))).console)
		if refused.Failure == nil || refused.Failure.Phase != PhaseStaging || refused.Failure.Attempts != 5 || !strings.Contains(refused.Failure.Output, "403") {
			t.Errorf("refused: %+v", refused.Failure)
		}
	})
}

// The keys that EC2 has injected go; others stay.
func TestBake_injectedKeysAreRemoved(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answers := map[string]string{
			"/latest/api/token":                            "token",
			"/latest/meta-data/public-keys/":               "0=bake\n1=other.key",
			"/latest/meta-data/public-keys/0/openssh-key":  "ssh-ed25519 AAAAinjected bake\n",
			"/latest/meta-data/public-keys/1/openssh-key":  "ssh-rsa AAAAsecond\n",
			"/latest/meta-data/public-keys/2/openssh-key/": "",
		}
		if answer, ok := answers[r.URL.Path]; ok && (r.Method == http.MethodPut || r.Header.Get("X-Aws-Ec2-Metadata-Token") == "token") {
			_, _ = w.Write([]byte(answer))
			return
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(server.Close)
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, map[string]string{
			"root/.ssh/authorized_keys":       "no-pty,command=\"echo\" ssh-ed25519 AAAAinjected bake\n",
			"home/admin/.ssh/authorized_keys": "ssh-ed25519 AAAAinjected bake\nssh-ed25519 AAAAkept team\nssh-rsa AAAAsecond\n",
		})
		where := around(root)
		where.imds = server.URL
		script, err := Bake{Nonce: "abc123", CleanUp: CleanUp{AuthorizedKeys: true}}.render(where)
		if err != nil {
			t.Fatal(err)
		}
		result := run(t, shell, root, script)
		if report := ParseConsole("abc123", result.console); report.Failure != nil {
			t.Errorf("%+v\n%s", report.Failure, result.console)
		}
		if got := read(t, root, "root/.ssh/authorized_keys"); got != "" {
			t.Errorf("root's keys: %q", got)
		}
		if got := read(t, root, "home/admin/.ssh/authorized_keys"); got != "ssh-ed25519 AAAAkept team\n" {
			t.Errorf("admin's keys: %q", got)
		}
	})
}
