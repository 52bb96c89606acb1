package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// asks is what "shutdown" leaves on a machine with systemd, and what becomes of whoever runs
// the item: the machine ends a second later.
func asks(root, mode string, item int) string {
	return fmt.Sprintf(`mkdir -p %[1]s/run/systemd/shutdown
printf 'USEC=%%s000000\nWARN_WALL=1\nMODE=%[2]s\n' "$(date +%%s)" >%[1]s/run/systemd/shutdown/scheduled
(sleep 1; kill -TERM "$(cat %[1]s/var/lib/stamp-bake/item-%[3]d/pid)") >/dev/null 2>&1 &
`, root, mode, item)
}

// A script that ends well and has asked for a restart is done once that has happened, and
// what follows it is begun only then.
func TestBake_aStepThatRestarts(t *testing.T) {
	for name, last := range map[string]bool{"in the middle": false, "as the last": true} {
		t.Run(name, func(t *testing.T) {
			inShells(t, func(t *testing.T, shell []string) {
				root := scratch(t, nil)
				steps := []Step{{Name: "upgrade", Script: "echo up >> " + root + "/order\n" + asks(root, "reboot", 1)}}
				if !last {
					steps = append(steps, Step{Name: "next", Script: "echo next >> " + root + "/order"})
				}
				script, err := Bake{Nonce: "abc123", Steps: steps, Checks: []Check{{Name: "ok", Script: "echo ok >> " + root + "/order"}}}.render(around(root))
				if err != nil {
					t.Fatal(err)
				}
				result := boots(t, shell, root, script)
				report := ParseConsole("abc123", result.console)
				if report.Failure != nil || !report.Done || strings.Count(result.console, "--- boot") != 1 {
					t.Errorf("%+v\n%s", report, result.console)
				}
				before, after, _ := strings.Cut(result.console, "--- boot\n")
				if strings.Contains(before, "pass step upgrade") || !strings.Contains(after, "pass step upgrade") {
					t.Errorf("it passed before the restart:\n%s", result.console)
				}
				want := "up\nnext\nok\n"
				if last {
					want = "up\nok\n"
				}
				if got := read(t, root, "order"); got != want {
					t.Errorf("it ran %q, want %q", got, want)
				}
			})
		})
	}
}

// Nothing goes on after a power-off, so the step that asks for it fails, and at once.
func TestBake_aStepThatSwitchesOff(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		report, result := bakeIn(t, shell, root, Bake{Steps: []Step{
			{Name: "off", Script: "echo bye\n" + asks(root, "poweroff", 1)}, {Name: "next", Script: "touch " + root + "/next"},
		}})
		want := &Failure{Phase: PhaseStep, Name: "off", SwitchedOff: true, Attempts: 1, Output: "bye"}
		if diff := cmp.Diff(want, report.Failure); diff != "" {
			t.Errorf("failure (-want +got):\n%s\n%s", diff, result.console)
		}
		missing(t, root, "next")
		if text := want.Error(); !strings.Contains(text, "switched the machine off") {
			t.Errorf("error %q", text)
		}
	})
}

// What is scheduled for hours later is nobody's business.
func TestBake_aRestartAtNight(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		report, result := bakeIn(t, shell, root, Bake{Steps: []Step{
			{Name: "schedules", Script: strings.Replace(asks(root, "reboot", 1), `$(date +%s)`, `$(($(date +%s) + 9999))`, 1) + "kill $!"},
		}})
		if report.Failure != nil || len(report.Passed) != 1 {
			t.Errorf("%+v\n%s", report, result.console)
		}
	})
}

func TestCommands_aStepThatRestarts(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		script := strings.ReplaceAll(asks(root, "reboot", 1), "kill -TERM", ": ")
		commands := commandsOf(t, root, Bake{Steps: []Step{{Name: "upgrade", Script: "echo up | tee -a " + root + "/ran\n" + script}, {Name: "next", Script: "true"}}})
		send(t, shell, root, commands[0])
		// Sent twice before the machine has ended; the next step is not begun either.
		for _, command := range []Command{commands[1], commands[1], commands[0], commands[2], commands[len(commands)-1]} {
			if report := send(t, shell, root, command); !report.Rebooting || len(report.Passed) > 0 {
				t.Errorf("%s: before the restart it told %+v", command.Title, report)
			}
		}
		if err := os.RemoveAll(filepath.Join(root, "run")); err != nil {
			t.Fatal(err)
		}
		report := send(t, shell, root, commands[1])
		if report.Rebooting || report.Failure != nil || len(report.Passed) != 1 || report.Output != "up" {
			t.Errorf("after the restart it told %+v", report)
		}
		if got := read(t, root, "ran"); got != "up\n" {
			t.Errorf("it ran as %q", got)
		}
	})
}

// A restart makes anew what the clean-up has removed before it, so that is removed again.
func TestBake_cleanUpIsDoneAgainAfterARestart(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		var root string
		cut := false
		for try := 0; try < 10 && !cut; try++ { // on a busy machine the clean-up may be over too soon
			var console string
			root, console = cutOffInCleanUp(t, shell)
			cut = !strings.Contains(console, "powered off") && strings.Contains(console, "pass clean-up machine_id")
		}
		if !cut {
			t.Fatal("the first boot was not cut off in its clean-up")
		}
		if err := os.RemoveAll(filepath.Join(root, "run")); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "etc/machine-id"), []byte("4567\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		second := run(t, shell, root, []byte(read(t, root, "var/lib/cloud/scripts/per-boot/stamp-bake")))
		if report := ParseConsole("abc123", second.console); !report.Done || report.Failure != nil {
			t.Errorf("%+v\n%s", report, second.console)
		}
		if got := read(t, root, "etc/machine-id"); got != "" {
			t.Errorf("the image has the machine-id %q", got)
		}
		missing(t, root, "var/lib/cloud/scripts/per-boot/stamp-bake")
	})
}

// cutOffInCleanUp has a machine asked to restart while its clean-up is at work.
func cutOffInCleanUp(t *testing.T, shell []string) (root, console string) {
	t.Helper()
	root = scratch(t, map[string]string{"etc/machine-id": "0123\n", "var/log/messages": "old", "var/lib/cloud/instance": "x"})
	arm := "(until [ -d " + root + "/var/lib/stamp-bake/item-3 ]; do [ -d " + root + " ] || exit; sleep 0.02; done\n" + asks(root, "reboot", 3) + ") >/dev/null 2>&1 &"
	script, err := Bake{
		Nonce: "abc123", Steps: []Step{{Name: "arm", Script: arm}}, CleanUp: CleanUp{MachineID: true, Histories: true, CloudInit: true, Logs: true},
	}.render(around(root))
	if err != nil {
		t.Fatal(err)
	}
	return root, run(t, shell, root, script).console
}

// A step that kills what runs it is named, and the machine is switched off.
func TestBake_aStepThatKillsItsRunner(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		report, result := bakeIn(t, shell, scratch(t, nil), Bake{Steps: []Step{{Name: "killer", Script: "echo hi; kill -KILL $PPID; sleep 1"}}})
		want := &Failure{Phase: PhaseStep, Name: "killer", CutOff: true, Attempts: 1, Output: "hi"}
		if diff := cmp.Diff(want, report.Failure); diff != "" {
			t.Errorf("failure (-want +got):\n%s\n%s", diff, result.console)
		}
	})
}

// "cloud-init clean" removes the hook that an earlier restart has needed.
func TestBake_goesOnWithoutItsHook(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		clean := Step{Name: "clean", Script: "rm -rf " + root + "/var/lib/cloud"}
		script, err := Bake{Nonce: "abc123", Steps: []Step{clean, {Name: "one", Reboot: true}, {Name: "fine", Script: "true"}, {Name: "two", Reboot: true}}}.render(around(root))
		if err != nil {
			t.Fatal(err)
		}
		if report := ParseConsole("abc123", boots(t, shell, root, script).console); !report.Done || report.Failure != nil || len(report.Passed) != 4 {
			t.Errorf("%+v", report)
		}
	})
}

// Where the next boot could run no script, the restart is refused, with the reason.
func TestBake_aRestartIntoNoexec(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		for line, refused := range map[string]bool{
			"/dev/x /var ext4 defaults,noexec,nodev 0 2": true, "/dev/x /var/lib/cloud ext4 noexec 0 2": true,
			"#/dev/x /var ext4 noexec 0 2": false, "tmpfs /tmp tmpfs noexec 0 0": false, "/dev/x /var ext4 defaults 0 2": false, "/dev/x /var/tmp ext4 noexec 0 2": false,
		} {
			root := scratch(t, map[string]string{"etc/fstab": line + "\n"})
			script, err := Bake{Nonce: "abc123", Steps: []Step{{Name: "kernel", Reboot: true}}}.render(around(root))
			if err != nil {
				t.Fatal(err)
			}
			report := ParseConsole("abc123", boots(t, shell, root, script).console)
			if (report.Failure != nil) != refused || refused && !strings.Contains(report.Failure.Output, "noexec") {
				t.Errorf("%s: %+v", line, report.Failure)
			}
		}
	})
}

// A note that cannot be written is a full disk, and no restart.
func TestBake_notesThatCannotBeWritten(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		report, result := bakeIn(t, shell, root, Bake{Steps: []Step{{Name: "one", Script: "echo before; mkdir " + root + "/var/lib/stamp-bake/item-1/end"}}})
		want := &Failure{Phase: PhaseStep, Name: "one", Unwritten: true, Attempts: 1}
		if diff := cmp.Diff(want, report.Failure, cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Output" }, cmp.Ignore())); diff != "" {
			t.Errorf("failure (-want +got):\n%s\n%s", diff, result.console)
		}
		if output := report.Failure.Output; !strings.HasPrefix(output, "before\n") || !strings.Contains(strings.ToLower(output), "directory") {
			t.Errorf("its output ends with %q", output)
		}
		report, _ = bakeIn(t, shell, scratch(t, nil), Bake{Steps: []Step{{Name: "fills", Script: "true"}}})
		if report.Failure != nil {
			t.Errorf("%+v", report.Failure)
		}
		root = scratch(t, nil)
		report, _ = bakeIn(t, shell, root, Bake{Steps: []Step{{Name: "fills", Script: "touch " + root + "/var/lib/stamp-bake/item-2"}, {Name: "next", Script: "true"}}})
		if report.Failure == nil || report.Failure.Name != "next" || !report.Failure.Unwritten || report.Failure.Output == "" {
			t.Errorf("%+v", report.Failure)
		}
	})
}
