package guest

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBake_retriesAndExitCodes(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		report, result := bakeIn(t, shell, root, Bake{Steps: []Step{
			{Name: "second time", Retries: 2, Script: "echo x >> " + root + "/tries; test $(wc -l < " + root + "/tries) -ge 2"},
			{Name: "asks for a restart", Script: "exit 194", ExitCodes: []int{0, 194}},
			{Name: "nothing but two", Script: "exit 0", ExitCodes: []int{2}, Retries: 1},
		}})
		if got := read(t, root, "tries"); got != "x\nx\n" {
			t.Errorf("tries %q", got)
		}
		want := &Failure{Phase: PhaseStep, Name: "nothing but two", Attempts: 2}
		if diff := cmp.Diff(want, report.Failure); diff != "" {
			t.Errorf("failure (-want +got):\n%s\n%s", diff, result.console)
		}
	})
}

// A script that an editor of Windows has saved runs; what is not its line breaks arrives
// byte for byte.
func TestBake_lineBreaks(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		report, result := bakeIn(t, shell, root, Bake{
			Steps: []Step{
				{Name: "CRLF", Script: "#!/bin/sh\r\nset -eu\r\nprintf '%s|' \"$A\" >>" + root + "/told\r\n", Environment: map[string]string{"A": "a\r\nb"}},
				{Name: "LF", Script: "#!/bin/sh\nprintf 'GET /\r\n\r\n' >>" + root + "/told\ncat >>" + root + "/told <<'E'\nHost: x\r\nE\n"},
				{Name: "file", Upload: &Upload{Destination: "/crlf", Files: []File{{Mode: "0644", Content: []byte("a\r\nb\r\n")}}}},
			},
			Checks: []Check{{Name: "CRLF", Script: "set -eu\r\ntrue\r\n"}},
		})
		if report.Failure != nil {
			t.Fatalf("%+v\n%s", report.Failure, result.console)
		}
		if got, want := read(t, root, "told"), "a\r\nb|GET /\r\n\r\nHost: x\r\n"; got != want {
			t.Errorf("told %q, want %q", got, want)
		}
		if got := read(t, root, "crlf"); got != "a\r\nb\r\n" {
			t.Errorf("the upload arrived as %q", got)
		}
	})
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may run something as another user")
	}
	if _, err := exec.LookPath("runuser"); err != nil {
		t.Skip("this machine has no runuser")
	}
}

// daemon is a user whom every distribution has, with a home and without a shell.
const daemon = "daemon"

func TestBake_stepsAsAUser(t *testing.T) {
	needRoot(t)
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		if err := os.Chmod(root, 0o755); err != nil {
			t.Fatal(err)
		}
		open(t, root)
		told := root + "/told"
		if err := os.WriteFile(told, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(told, 0o666); err != nil {
			t.Fatal(err)
		}
		report, result := bakeIn(t, shell, root, Bake{Steps: []Step{
			{
				Name: "plain", User: daemon, Environment: map[string]string{"GREETING": "it's $HOME", "PATH": "/opt/bin:/usr/bin:/bin"},
				Script: `echo "$(id -un)|$HOME|$USER|$LOGNAME|$(pwd)|$GREETING|$PATH" >> ` + told,
			},
			{Name: "by its line", User: daemon, Script: "#!/usr/bin/env bash\necho \"bash as $(id -un), $(id -Gn)\" >> " + told},
			{Name: "mine", Script: `echo "$(id -un)|$(pwd)" >> ` + told},
		}, Checks: []Check{
			{Name: "his", User: daemon, Script: `echo "$(id -un)|$HOME" >> ` + told},
			{Name: "nobody's", User: "nosuchuser", Script: "true"},
		}})
		home, err := exec.CommandContext(t.Context(), "sh", "-c", "echo ~daemon").Output()
		if err != nil {
			t.Fatal(err)
		}
		at := strings.TrimSpace(string(home))
		resolved, err := exec.CommandContext(t.Context(), "sh", "-c", "cd "+at+" && pwd").Output()
		if err != nil {
			t.Fatal(err)
		}
		want := "daemon|" + at + "|daemon|daemon|" + strings.TrimSpace(string(resolved)) + "|it's $HOME|/opt/bin:/usr/bin:/bin\nbash as daemon, daemon\nroot|/\ndaemon|" + at + "\n"
		if diff := cmp.Diff(want, read(t, root, "told")); diff != "" {
			t.Errorf("told (-want +got):\n%s\n%s", diff, result.console)
		}
		wantFailure := &Failure{Phase: PhaseCheck, Name: "nobody's", ExitCode: 1, Attempts: 1, Output: "there is no user nosuchuser on this machine"}
		if diff := cmp.Diff(wantFailure, report.Failure); diff != "" {
			t.Errorf("failure (-want +got):\n%s", diff)
		}
		missing(t, root, "var/lib/stamp-bake-user")
	})
}

// open lets others into the directories above a test's own.
func open(t *testing.T, root string) {
	t.Helper()
	for dir := root; len(dir) > len(os.TempDir()); dir = dir[:strings.LastIndexByte(dir, '/')] {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// A step of another user that takes too long is ended like any other.
func TestBake_aUsersTimeout(t *testing.T) {
	needRoot(t)
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		open(t, root)
		report, result := bakeIn(t, shell, root, Bake{Steps: []Step{{Name: "hangs", User: daemon, Timeout: 1, Script: "echo waiting; sleep 20"}}})
		if report.Failure == nil || !report.Failure.TimedOut || report.Failure.Output != "waiting" {
			t.Errorf("%+v\n%s", report.Failure, result.console)
		}
	})
}

// A proof that shares what the builder had fails, and says what.
func TestProof_mustNotBeTheBuildersTwin(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, map[string]string{"etc/machine-id": "0123\n", "etc/ssh/ssh_host_rsa_key.pub": "ssh-rsa AAAA root@ip-1"})
		builder, result := bakeIn(t, shell, root, Bake{CleanUp: CleanUp{MachineID: true, HostKeys: true}})
		if len(builder.Identity[MachineID]) != 1 || len(builder.Identity[HostKey]) != 1 {
			t.Fatalf("identity %v\n%s", builder.Identity, result.console)
		}
		proof := func(files map[string]string) Report {
			root := scratch(t, files)
			script, err := Proof{Nonce: "n1", Checks: []Check{{Name: "ok", Script: "true"}}, Identity: builder.Identity}.render(around(root))
			if err != nil {
				t.Fatal(err)
			}
			return ParseConsole("n1", run(t, shell, root, script).console)
		}
		fresh := proof(map[string]string{"etc/machine-id": "4567\n", "etc/ssh/ssh_host_rsa_key.pub": "ssh-rsa BBBB root@ip-2"})
		if fresh.Failure != nil || len(fresh.Passed) != 3 {
			t.Errorf("a fresh one: %+v", fresh)
		}
		for kind, files := range map[string]map[string]string{
			MachineID: {"etc/machine-id": "0123\n"},
			// The comment names the host; the key is what counts.
			HostKey: {"etc/machine-id": "4567\n", "etc/ssh/ssh_host_rsa_key.pub": "ssh-rsa AAAA root@ip-2"},
		} {
			twin := proof(files)
			if twin.Failure == nil || twin.Failure.Phase != PhaseIdentity || twin.Failure.Name != kind {
				t.Errorf("a twin by its %s: %+v", kind, twin.Failure)
			}
		}
	})
}
