package guest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// awks are those of the images that users bake on, each as a directory to begin PATH with.
func awks(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, name := range []string{"mawk", "gawk", "busybox"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Logf("%s is not on this machine: masking is not tried with it", name)
			continue
		}
		dir := t.TempDir()
		if err := os.Symlink(path, filepath.Join(dir, "awk")); err != nil {
			t.Fatal(err)
		}
		found[name] = dir
	}
	if len(found) == 0 {
		t.Fatal("no awk to try masking with")
	}
	return found
}

// shellTail is what the guest shows of an output.
func shellTail(t fataler, dir, awkDir string, output []byte, secrets map[string]string) string {
	log := filepath.Join(dir, "log")
	if err := os.WriteFile(log, output, 0o600); err != nil {
		t.Fatalf("%v", err)
	}
	var script bytes.Buffer
	script.Write(runtimePart(partBase))
	script.Write(runtimePart(partSecrets))
	for name, secret := range secrets {
		fmt.Fprintf(&script, "stamp_secrets=\"$stamp_secrets %s\"\nexport %s=%s\n", name, name, quote(secret))
	}
	fmt.Fprintf(&script, "stamp_log=%s\nstamp_tail\n", quote(log))
	file := filepath.Join(dir, "tail.sh")
	if err := os.WriteFile(file, script.Bytes(), 0o600); err != nil {
		t.Fatalf("%v", err)
	}
	command := exec.CommandContext(t.Context(), "/bin/sh", file)
	command.Env = append(os.Environ(), "PATH="+awkDir+":"+os.Getenv("PATH"))
	shown, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, shown)
	}
	return string(shown)
}

// goTail is the same by the provider.
func goTail(output string, secrets map[string]string) string {
	masked := Mask(output, secrets)
	if len(output) > 65536 {
		masked = MaskEnd(output[len(output)-65536:], secrets)
	}
	lines := strings.Split(strings.TrimSuffix(masked, "\n"), "\n")
	var shown strings.Builder
	for _, line := range lines[max(0, len(lines)-outputLines):] {
		fmt.Fprintln(&shown, line[:min(len(line), 240)])
	}
	return shown.String()
}

// The guest hides secrets as the provider does, whichever awk it has.
func TestTail_masksAsTheProviderDoes(t *testing.T) {
	secrets := map[string]string{
		"A": "hunter2", "B": "hunter2-and-the-rest", "C": "line1secret\r\nline2secret", "D": "ctrl\x01secret", "E": "abcabcab", "F": `b"a\c$k'`, "G": "geheimnüß", "H": "ab",
	}
	for name, awk := range awks(t) {
		dir := t.TempDir()
		for _, output := range []string{
			"a hunter2 b hunter2-and-the-rest\n", "line1secret\r\nline2secret\r\n", "ct\x1brl\x00sec\u009br\u202eet",
			"hun\x1b[31mter\x1b[0m2 \x1b[1;32mok\x1b[0m\n", "abcabcabcab abcabca\n", `b"a\c$k' & \\ %s` + "\n",
			"ü geheimnüß\n", strings.Repeat("hunter2", 100) + "\n", strings.Repeat("a line\n", 60) + "hunter2\n", "ab\n",
			strings.Repeat("x", 65536) + "hunter2\nhunter2 shown\n", strings.Repeat("x", 10) + "hunter2-and-the-rest" + strings.Repeat("y", 65527),
			strings.Repeat("z", 65530) + "\nhunter2", strings.Repeat("hunter2-and-the-rest", 5000),
		} {
			if got, want := shellTail(t, dir, awk, []byte(output), secrets), goTail(output, secrets); got != want {
				t.Errorf("%s: of %.40q… (%d bytes) the guest shows %q, the provider %q", name, output, len(output), got, want)
			}
		}
		rapid.Check(t, func(t *rapid.T) {
			drawn := rapid.SliceOfN(rapid.StringOfN(rapid.SampledFrom([]rune("ab\x01\r\n\u202eü$\\")), 0, 12, -1), 2, 2).Draw(t, "secrets")
			few := map[string]string{"A": drawn[0], "B": drawn[1]}
			output := strings.Join(rapid.SliceOfN(rapid.SampledFrom(append(drawn, "a", "ba", "\n", " ", "\x1b", "ü")), 1, 12).Draw(t, "output"), "")
			got, want := shellTail(t, dir, awk, []byte(output), few), goTail(output, few)
			if strings.TrimRight(got, "\n") != strings.TrimRight(want, "\n") {
				t.Fatalf("%s: of %q the guest shows %q, the provider %q", name, output, got, want)
			}
			leavesNothing(t, output, few)
		})
	}
}

// However much a step prints, little of it is kept, in memory alone, and the step's end is
// not held up.
func TestRun_outputIsBounded(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		commands := commandsOf(t, root, Bake{Steps: []Step{
			{Name: "one line", Script: "head -c 60000000 /dev/zero | tr '\\000' x; printf 'the end of the line'; exit 3"},
		}})
		send(t, shell, root, commands[0])
		began := time.Now()
		failed := send(t, shell, root, commands[1]).Failure
		if failed == nil || failed.ExitCode != 3 || !strings.HasPrefix(failed.Output, "xxx") || len(failed.Output) > 240 {
			t.Errorf("it told %+v", failed)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("60 MB took %s", took)
		}
		for _, dir := range []string{"run", "var"} {
			if kept := len(onDisk(t, filepath.Join(root, dir))); kept > 9<<20 {
				t.Errorf("%d bytes are kept below %s", kept, dir)
			}
		}
		if kept := onDisk(t, filepath.Join(root, "var")); bytes.Contains(kept, bytes.Repeat([]byte("x"), 300)) {
			t.Error("the output is on the disk as it was")
		}
	})
}

// The last words of a step arrive although it has left something running that holds its
// output, and prints on.
func TestRun_whatAStepLeavesRunning(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, nil)
		commands := commandsOf(t, root, Bake{Steps: []Step{
			{Name: "service", Script: `(while [ ! -e ` + root + `/stop ]; do echo tick; sleep 0.1; done; echo x >` + root + `/stopped) & sleep 0.3; echo started`},
			{Name: "next", Script: "echo next"},
		}})
		send(t, shell, root, commands[0])
		if report := send(t, shell, root, commands[1]); report.Failure != nil || !slices.Contains(strings.Split(report.Output, "\n"), "started") {
			t.Errorf("it told %+v", report)
		}
		if report := send(t, shell, root, commands[2]); report.Output != "next" {
			t.Errorf("the next one told %+v", report)
		}
		if err := os.WriteFile(filepath.Join(root, "stop"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		until(t, func() bool { return there(root, "stopped") })
	})
}

// Scripts are run as the kernel would by their first line, from where it may not.
func TestRun_byTheFirstLine(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		for script, want := range map[string]string{
			"#!/bin/sh\necho $0 | sed 's/.*[/]//'":               "script",
			"#! /bin/sh -e \nfalse\necho no":                     "",
			"#!/usr/bin/env sh\necho env":                        "env",
			"#!\t/bin/sh\t-u\necho \"$nothing\" && echo no || :": "parameter not set",
			"#!/usr/bin/env -S sh -u\necho \"$nothing\" || :":    "parameter not set",
			"echo 'no line'":                                     "no line",
			"#!/no/such/shell it's\n":                            "/no/such/shell",
		} {
			root := scratch(t, nil)
			report, _ := bakeIn(t, shell, root, Bake{Steps: []Step{{Name: "s", Script: script + "\nexit 3\n"}}})
			if report.Failure == nil || report.Failure.ExitCode == 0 || !strings.Contains(report.Failure.Output, want) {
				t.Errorf("%q: %+v, want %q", script, report.Failure, want)
			}
		}
	})
}
