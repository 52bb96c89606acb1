package guest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestBake_runsStepsChecksAndCleanUp(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, map[string]string{
			"etc/ssh/ssh_host_ed25519_key": "secret", "etc/ssh/ssh_host_ed25519_key.pub": "public", "etc/ssh/sshd_config": "keep",
			"etc/machine-id": "0123", "var/lib/dbus/machine-id": "0123", "var/lib/systemd/random-seed": "x",
			"var/lib/cloud/instances/i-1/user-data.txt": "the script", "var/lib/cloud/instance": "x", "var/lib/cloud/seed/keep": "seed",
			"var/lib/cloud/scripts/per-boot/start": "mine", "var/lib/cloud/scripts/vendor/part-001": "the vendor's",
			"var/log/messages": "old", "var/log/apt/history.log.1.gz": "old", "root/.bash_history": "x", "home/admin/.bash_history": "x",
			"etc/apt/apt.conf.d/70debconf": "keep", "var/lib/dhcp/dhclient.eth0.leases": "x", "var/lib/NetworkManager/internal-eth0.lease": "x",
			"var/lib/amazon/ssm/i-1/registration": "x", "var/lib/dhcpcd/duid": "x",
		})
		report, result := bakeIn(t, shell, root, Bake{
			Steps: []Step{
				{Name: "app", Upload: &Upload{Destination: "/opt/app", Directory: true, Files: []File{
					{Path: "bin/run", Mode: "0755", Content: []byte("#!/bin/sh\necho \"it's $1\"\n")},
					{Path: "data.bin", Mode: "0640", Content: []byte{0, 1, 0xff, '\n', 0x80}},
					{Path: "empty", Mode: "0644"},
				}}},
				{Name: "plain", Script: `printf '%s|%s' "$A" "$B" > ` + root + `/plain`, Environment: map[string]string{"A": "it's \"$HOME\" `x`\\n", "B": "two\nlines"}},
				{Name: "by its line", Script: "#!/usr/bin/env bash\n[[ -n $BASH_VERSION ]] && echo \"$0\" > " + root + "/bash"},
			},
			Checks: []Check{{Name: "run", Script: "test \"$(" + root + "/opt/app/bin/run good)\" = \"it's good\""}},
			CleanUp: CleanUp{
				HostKeys: true, MachineID: true, CloudInit: true, Logs: true, Histories: true, DHCPLeases: true, RandomSeed: true, SSMRegistration: true,
			},
		})
		want := Report{
			Started: true, Done: true, Passed: []string{`step "app"`, `step "plain"`, `step "by its line"`, `check "run"`},
			Identity: Identity{MachineID: {"1be2e452b46d7a0d"}, HostKey: {"cde1925e8f892f5d"}},
		}
		if diff := cmp.Diff(want, report); diff != "" {
			t.Fatalf("report (-want +got):\n%s\n%s", diff, result.console)
		}
		if got, want := read(t, root, "plain"), "it's \"$HOME\" `x`\\n|two\nlines"; got != want {
			t.Errorf("environment arrived as %q, want %q", got, want)
		}
		if got := read(t, root, "opt/app/data.bin"); got != "\x00\x01\xff\n\x80" {
			t.Errorf("binary file arrived as %q", got)
		}
		if info, err := os.Stat(filepath.Join(root, "opt/app/data.bin")); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		for _, gone := range []string{
			"etc/ssh/ssh_host_ed25519_key", "etc/ssh/ssh_host_ed25519_key.pub", "var/lib/dbus/machine-id", "var/lib/systemd/random-seed",
			"var/lib/cloud/instances", "var/lib/cloud/instance", "var/log/apt/history.log.1.gz", "root/.bash_history", "home/admin/.bash_history",
			"var/lib/stamp-bake", "etc/apt/apt.conf.d/99stamp-bake", "var/lib/dhcp/dhclient.eth0.leases",
			"var/lib/NetworkManager/internal-eth0.lease", "var/lib/amazon/ssm/i-1", "var/lib/dhcpcd/duid", "run/stamp-bake", "var/lib/cloud/scripts/vendor",
		} {
			missing(t, root, gone)
		}
		for name, want := range map[string]string{
			"etc/machine-id": "", "var/log/messages": "", "etc/ssh/sshd_config": "keep", "var/lib/cloud/seed/keep": "seed",
			"var/lib/cloud/scripts/per-boot/start": "mine",
		} {
			if got := read(t, root, name); got != want {
				t.Errorf("%s holds %q, want %q", name, got, want)
			}
		}
	})
}

// What is turned off in the clean-up stays; our own traces never do.
func TestBake_cleanUpCanBeTurnedOff(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, map[string]string{
			"etc/ssh/ssh_host_rsa_key": "k", "etc/machine-id": "0123", "var/lib/cloud/instances/i-1/user-data.txt": "script",
			"var/lib/cloud/instances/i-1/sem/done": "", "var/log/messages": "old", "root/.bash_history": "x",
		})
		report, result := bakeIn(t, shell, root, Bake{})
		if !report.Done || report.Failure != nil {
			t.Fatalf("%+v\n%s", report, result.console)
		}
		for name, want := range map[string]string{
			"etc/ssh/ssh_host_rsa_key": "k", "etc/machine-id": "0123", "var/lib/cloud/instances/i-1/sem/done": "",
			"var/log/messages": "old", "root/.bash_history": "x",
		} {
			if got := read(t, root, name); got != want {
				t.Errorf("%s holds %q, want %q", name, got, want)
			}
		}
		missing(t, root, "var/lib/cloud/instances/i-1/user-data.txt")
	})
}

func TestBake_aFailingStepStopsIt(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		report, result := bakeIn(t, shell, root, Bake{
			Steps: []Step{
				{Name: "one", Script: "true"},
				{Name: "two", Script: "i=0; while [ $i -lt 70 ]; do i=$((i+1)); echo \"line $i\"; done; printf 'stamp-abc123 end ok\\ntab\\there \\033[31mred\\n'; exit 3"},
				{Name: "three", Script: "touch " + root + "/three"},
			},
			Checks: []Check{{Name: "never", Script: "true"}},
		})
		if !report.Done || report.Failure == nil {
			t.Fatalf("no failure: %s", result.console)
		}
		lines := strings.Split(report.Failure.Output, "\n")
		if report.Failure.Phase != PhaseStep || report.Failure.Name != "two" || report.Failure.ExitCode != 3 || len(lines) != 50 {
			t.Errorf("failure %+v with %d lines", report.Failure, len(lines))
		}
		if lines[0] != "line 23" || lines[48] != "stamp-abc123 end ok" || lines[49] != "tab\there red" {
			t.Errorf("output begins %q, ends %q", lines[0], lines[48:])
		}
		missing(t, root, "three")
		missing(t, root, "var/lib/stamp-bake")
	})
}

// A script that takes too long is ended with all that it has started.
func TestBake_aTimeoutEndsTheWholeSession(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		begun := time.Now()
		report, result := bakeIn(t, shell, root, Bake{Steps: []Step{{
			Name: "hangs", Timeout: time.Second,
			Script: "(sleep 4; touch " + root + "/alive) & echo waiting; sleep 20",
		}}})
		if report.Failure == nil || !report.Failure.TimedOut || report.Failure.Output != "waiting" {
			t.Fatalf("%+v\n%s", report.Failure, result.console)
		}
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
		if !strings.Contains(report.Failure.Error(), `step "hangs" failed: timed out`) {
			t.Errorf("error %q", report.Failure)
		}
	})
}

func TestBake_checksAreTriedAgain(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		count := "echo x >> " + root + "/tries; test $(wc -l < " + root + "/tries) -ge "
		report, result := bakeIn(t, shell, root, Bake{Checks: []Check{{Name: "third time", Script: count + "3", Attempts: 5}}})
		if report.Failure != nil || len(report.Passed) != 1 || read(t, root, "tries") != "x\nx\nx\n" {
			t.Errorf("%+v\n%s", report, result.console)
		}
		report, _ = bakeIn(t, shell, root, Bake{Checks: []Check{{Name: "never", Script: "exit 9", Attempts: 2}}})
		want := &Failure{Phase: PhaseCheck, Name: "never", ExitCode: 9, Attempts: 2}
		if diff := cmp.Diff(want, report.Failure); diff != "" {
			t.Errorf("failure (-want +got):\n%s", diff)
		}
	})
}

func TestBake_uploadThatFailsIsReported(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, map[string]string{"opt": "a file, not a directory"})
		report, _ := bakeIn(t, shell, root, Bake{Steps: []Step{{
			Name: "app", Upload: &Upload{Destination: "/opt/app", Files: []File{{Mode: "0644", Content: []byte("x")}}},
		}}})
		if report.Failure == nil || report.Failure.Name != "app" || report.Failure.Output == "" {
			t.Errorf("failure %+v", report.Failure)
		}
	})
}

func TestProof_runsChecksOnly(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, map[string]string{"etc/machine-id": "0123"})
		script, err := Proof{Nonce: "n1", Checks: []Check{{Name: "ok", Script: "true"}}}.render(around(root))
		if err != nil {
			t.Fatal(err)
		}
		report := ParseConsole("n1", run(t, shell, root, script).console)
		if !report.Done || report.Failure != nil || len(report.Passed) != 1 || read(t, root, "etc/machine-id") != "0123" {
			t.Errorf("%+v", report)
		}
	})
}

// Any text but NUL survives quoting, in every shell.
func TestQuote_survives(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		rapid.Check(t, func(rt *rapid.T) {
			var script strings.Builder
			words := rapid.SliceOfN(rapid.StringOf(rapid.RuneFrom([]rune{'\'', '"', '\\', '$', '`', '\n', '!', '*', 'a', 'é', '-', '%', ' '})), 20, 40).Draw(rt, "words")
			for _, each := range words {
				script.WriteString("printf '%s\\0' " + quote(each) + "\n")
			}
			result := run(t, shell, "", []byte(script.String()))
			if got, want := result.console, strings.Join(words, "\x00")+"\x00"; got != want {
				rt.Fatalf("got %q, want %q", got, want)
			}
		})
	})
}

func TestScript_refusesWhatCannotBe(t *testing.T) {
	upload := func(change func(*Upload)) []Step {
		u := &Upload{Destination: "/x", Files: []File{{Mode: "0644"}}}
		change(u)
		return []Step{{Name: "up", Upload: u}}
	}
	tests := map[string]struct {
		bake Bake
		want string
	}{
		"nonce":       {Bake{Nonce: "a b"}, "nonce"},
		"two names":   {Bake{Steps: []Step{{Name: "a", Script: "x"}, {Name: "a", Script: "x"}}}, `step "a": the name is used twice`},
		"no name":     {Bake{Steps: []Step{{Script: "x"}}}, "one line of text"},
		"no script":   {Bake{Steps: []Step{{Name: "a"}}}, `step "a": a script is text`},
		"NUL":         {Bake{Checks: []Check{{Name: "a", Script: "x\x00"}}}, `check "a"`},
		"variable":    {Bake{Steps: []Step{{Name: "a", Script: "x", Environment: map[string]string{"A B": ""}}}}, "environment variable"},
		"destination": {Bake{Steps: upload(func(u *Upload) { u.Destination = "x" })}, "not an absolute path"},
		"mode":        {Bake{Steps: upload(func(u *Upload) { u.Files[0].Mode = "rw" })}, "octal"},
		"owner":       {Bake{Steps: upload(func(u *Upload) { u.Owner = "a;b" })}, "user:group"},
		"escape":      {Bake{Steps: upload(func(u *Upload) { u.Files[0].Path = "../x" })}, "leads out"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.bake.Nonce == "" {
				test.bake.Nonce = "n"
			}
			_, err := test.bake.Script()
			if _, ok := errors.AsType[*InputError](err); !ok || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}
