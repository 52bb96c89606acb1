package guest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// boots runs a script, and then what the next boots run, until the machine is off; it
// returns what all boots have said.
func boots(t *testing.T, shell []string, root string, script []byte) ran {
	t.Helper()
	result := run(t, shell, root, script)
	for boot := 2; !strings.Contains(result.console, "powered off"); boot++ {
		if boot > 5 {
			t.Fatalf("still not off:\n%s", result.console)
		}
		// What a boot does: memory is empty, and cloud-init runs its scripts.
		if err := os.RemoveAll(filepath.Join(root, "run")); err != nil {
			t.Fatal(err)
		}
		hook := read(t, root, "var/lib/cloud/scripts/per-boot/stamp-bake")
		next := run(t, shell, root, []byte(hook))
		result.console += "--- boot\n" + next.console
	}
	return result
}

func TestBake_goesOnAfterAReboot(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		count := func(name string) Step { return Step{Name: name, Script: "echo " + name + " >> " + root + "/order"} }
		script, err := Bake{
			Nonce:  "abc123",
			Steps:  []Step{count("one"), {Name: "kernel", Reboot: true}, count("two"), {Name: "again", Reboot: true}, count("three")},
			Checks: []Check{{Name: "ok", Script: "true"}},
		}.render(around(root))
		if err != nil {
			t.Fatal(err)
		}
		result := boots(t, shell, root, script)
		if got := strings.Count(result.console, "restarts"); got != 2 {
			t.Errorf("%d restarts", got)
		}
		if got := read(t, root, "order"); got != "one\ntwo\nthree\n" {
			t.Errorf("the steps ran as %q", got)
		}
		_, last, _ := strings.Cut(result.console, "--- boot\n")
		_, last, _ = strings.Cut(last, "--- boot\n")
		want := Report{
			Started: true, Done: true,
			Passed: []string{`step "one"`, `step "kernel"`, `step "two"`, `step "again"`, `step "three"`, `check "ok"`},
		}
		// The last boot's console is enough: EC2 may show no more.
		if diff := cmp.Diff(want, ParseConsole("abc123", last)); diff != "" {
			t.Errorf("report of the last boot (-want +got):\n%s\n%s", diff, result.console)
		}
		for _, gone := range []string{"var/lib/stamp-bake", "run/stamp-bake", "var/lib/cloud/scripts/per-boot/stamp-bake"} {
			missing(t, root, gone)
		}
	})
}

// A script that restarts the machine by itself is not run again, and the bake fails.
func TestBake_anUnexpectedRebootFails(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		script, err := Bake{Nonce: "abc123", Steps: []Step{
			{Name: "fine", Script: "true"},
			// The machine ends: nothing of the run is told of it.
			{Name: "upgrade", Script: "echo upgrading; echo x >> " + root + "/ran; kill -TERM $(cat " + root + "/var/lib/stamp-bake/item-2/pid) $$; sleep 3"},
		}}.render(around(root))
		if err != nil {
			t.Fatal(err)
		}
		result := boots(t, shell, root, script)
		report := ParseConsole("abc123", result.console)
		want := &Failure{Phase: PhaseStep, Name: "upgrade", Rebooted: true, Attempts: 1, Output: "upgrading"}
		if diff := cmp.Diff(want, report.Failure); diff != "" {
			t.Errorf("failure (-want +got):\n%s\n%s", diff, result.console)
		}
		if got := read(t, root, "ran"); got != "x\n" {
			t.Errorf("the step ran %d times", strings.Count(got, "x"))
		}
		if text := want.Error(); !strings.Contains(text, "restarted while it ran") {
			t.Errorf("error %q", text)
		}
	})
}

// cloud-init that runs the user data twice in one boot, or again after its state was
// cleaned, does not make a second run.
func TestBake_runsOnceHoweverOftenItIsStarted(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, map[string]string{"run/stamp-bake/script/.keep": ""})
		script, err := Bake{Nonce: "abc123", Steps: []Step{{Name: "one", Script: "touch " + root + "/one"}}}.render(around(root))
		if err != nil {
			t.Fatal(err)
		}
		result := run(t, shell, root, script)
		missing(t, root, "one")
		if strings.Contains(result.console, "powered off") {
			t.Errorf("the second start switched the machine off:\n%s", result.console)
		}
	})
}
