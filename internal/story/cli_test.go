package story

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// examples is where they are, seen from this package.
const examples = "../../examples"

// builtIn is where built has put the program; empty before that.
var builtIn string

// built is the directory of the provider's program, built once for all tests.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "p")
	if err != nil {
		return "", err
	}
	builtIn = dir
	program := filepath.Join(dir, "terraform-provider-stamp")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	output, err := exec.CommandContext(context.Background(), "go", "build", "-o", program, "../..").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the provider: %w\n%s", err, output)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	if lab := os.Getenv(ansibleAt); lab != "" {
		if err := playOutside(lab, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if builtIn != "" {
		_ = os.RemoveAll(builtIn)
	}
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
	program := os.Getenv("TF_ACC_TERRAFORM_PATH")
	if program == "" {
		t.Skip("an acceptance test: make testacc runs it, or TF_ACC_TERRAFORM_PATH=$(which terraform)")
	}
	provider, err := built()
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "cli.tfrc")
	override := fmt.Sprintf("provider_installation {\n  dev_overrides { \"stamp-pattern/stamp\" = %q }\n  direct {}\n}\n", provider)
	if err := os.WriteFile(config, []byte(override), 0o600); err != nil {
		t.Fatal(err)
	}
	// Nothing of this machine may lead to a real account.
	kept := []string{"TF_CLI_CONFIG_FILE=" + config, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_INPUT=0", "AWS_EC2_METADATA_DISABLED=true",
		"XDG_CACHE_HOME=" + t.TempDir()}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "AWS_") && !strings.HasPrefix(variable, "TF_") && !strings.HasPrefix(variable, "STAMP_") {
			kept = append(kept, variable)
		}
	}
	return &cli{t: t, program: program, dir: dir, environ: append(kept, environ...)}
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
