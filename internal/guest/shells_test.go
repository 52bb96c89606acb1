package guest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// shells are the shells of the images that users bake on, as far as this machine has
// them. The strictest two are enough between two runs of make test, which wants all.
func shells(t testing.TB) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for name, command := range map[string][]string{
		"dash": {"dash"}, "bash": {"bash"}, "bash posix": {"bash", "--posix"}, "busybox": {"busybox", "sh"},
	} {
		if _, err := exec.LookPath(command[0]); err != nil {
			t.Logf("%s is not on this machine: scripts are not tried with it", name)
			continue
		}
		found[name] = command
	}
	if len(found) == 0 {
		t.Fatal("no shell to try scripts with")
	}
	if os.Getenv("STAMP_THOROUGH") == "" && found["dash"] != nil {
		delete(found, "bash")
		delete(found, "bash posix")
	}
	return found
}

// inShells runs a test once for each shell, in all at the same time: most of it is
// waiting.
func inShells(t *testing.T, test func(t *testing.T, shell []string)) {
	var running sync.WaitGroup
	for name, shell := range shells(t) {
		running.Go(func() {
			t.Run(name, func(t *testing.T) { test(t, shell) })
		})
	}
	running.Wait()
}

// ran is what a script has left.
type ran struct {
	console string
	root    string
	code    int
}

// run runs a composed script with a directory in place of the machine's root.
func run(t *testing.T, shell []string, root string, script []byte) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	file := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(file, script, 0o700); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(ctx, shell[0], append(shell[1:], file)...)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err := command.Run()
	result := ran{console: output.String(), root: root}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		result.code = exit.ExitCode()
	} else if err != nil {
		t.Fatalf("%v: %s", err, output.String())
	}
	return result
}

// scratch is a machine's root with what a clean-up has to do with.
func scratch(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func read(t *testing.T, root, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func missing(t *testing.T, root, name string) {
	t.Helper()
	if _, err := os.Lstat(filepath.Join(root, name)); !os.IsNotExist(err) {
		t.Errorf("%s is there (%v)", name, err)
	}
}

// bakeIn runs a bake and returns what its console says.
func bakeIn(t *testing.T, shell []string, root string, bake Bake) (Report, ran) {
	t.Helper()
	bake.Nonce = "abc123"
	script, err := bake.render(around(root))
	if err != nil {
		t.Fatal(err)
	}
	result := run(t, shell, root, script)
	if !strings.Contains(result.console, "powered off") {
		t.Errorf("the machine was not powered off:\n%s", result.console)
	}
	return ParseConsole(bake.Nonce, result.console), result
}

// around is a machine whose root is a directory and whose switches only speak.
func around(root string) surroundings {
	return surroundings{root: root, imds: "http://127.0.0.1:1", powerOff: "	echo powered off", restart: "	echo restarts; exit"}
}
