package story

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/clitest"
)

// examples is where they are, seen from this package.
const examples = "../../examples"

func TestMain(m *testing.M) {
	if lab := os.Getenv(ansibleAt); lab != "" {
		if err := playOutside(lab, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	clitest.Cleanup()
	os.Exit(code)
}

// cli is a CLI in a directory of its own.
type cli struct {
	t       *testing.T
	program string
	dir     string
	environ []string
}

// newCLI skips the test unless a CLI is named; make testacc always does.
func newCLI(t *testing.T, dir string, environ ...string) *cli {
	t.Helper()
	return &cli{t: t, program: clitest.Program(t), dir: dir, environ: clitest.Environ(t, environ...)}
}

// run runs the CLI, which must succeed, and returns what it prints.
func (c *cli) run(args ...string) string {
	c.t.Helper()
	command := exec.CommandContext(c.t.Context(), c.program, args...)
	command.Dir, command.Env = c.dir, c.environ
	output, err := command.CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return string(output)
}

// fails runs the CLI, which must fail, and returns what it prints.
func (c *cli) fails(args ...string) string {
	c.t.Helper()
	command := exec.CommandContext(c.t.Context(), c.program, args...)
	command.Dir, command.Env = c.dir, c.environ
	output, err := command.CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); !failed {
		c.t.Fatalf("%s: %v, want it to fail\n%s", strings.Join(args, " "), err, output)
	}
	return string(output)
}

// write writes the configuration.
func (c *cli) write(configuration string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, "main.tf"), []byte(configuration), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// copied is a copy of a directory of the examples.
func copied(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(to, name), 0o750)
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), content, info.Mode())
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// wants fails the test where a text lacks a part, however its lines are broken.
func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), part) {
			t.Errorf("want %q in\n%s", part, text)
		}
	}
}
