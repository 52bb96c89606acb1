//go:build linux

package crash

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

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
	output, err := exec.CommandContext(context.Background(), "go", "build", "-o", program, "../..").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the provider: %w\n%s", err, output)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if builtIn != "" {
		_ = os.RemoveAll(builtIn)
	}
	os.Exit(code)
}

// cli is a CLI in a directory of its own, whose requests go through a gate.
type cli struct {
	program, dir string
	environ      []string
	gate         *gate
}

// newCLI skips the test unless a CLI is named; make testacc always does.
func newCLI(t *testing.T, endpoint string, gate *gate) *cli {
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
	environ := []string{
		"TF_CLI_CONFIG_FILE=" + config, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_INPUT=0", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ENDPOINT_URL=" + endpoint, "AWS_ACCESS_KEY_ID=lab", "AWS_SECRET_ACCESS_KEY=lab", "AWS_REGION=us-east-1",
	}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "AWS_") && !strings.HasPrefix(variable, "TF_") && !strings.HasPrefix(variable, "STAMP_") {
			environ = append(environ, variable)
		}
	}
	return &cli{program: program, dir: t.TempDir(), environ: environ, gate: gate}
}

// ended is how a run of the CLI has ended.
type ended struct {
	code   int
	output string
	// asked are the actions of its requests, and struck whether it was killed.
	asked  []string
	struck bool
	// outlived is how long something of it lived on after Terraform.
	outlived time.Duration
}

// patience is how long a run may take, and how long a provider may outlive its Terraform.
const (
	patience = 2 * time.Minute
	outlives = 3 * time.Second
)

// run runs the CLI in a process group of its own, and cuts it off.
func (c *cli) run(ctx context.Context, at cut, args ...string) (ended, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// A file, not a pipe: what outlives Terraform must not keep us waiting.
	output, err := os.CreateTemp(c.dir, "output")
	if err != nil {
		return ended{}, err
	}
	defer func() { _ = output.Close(); _ = os.Remove(output.Name()) }()
	command := exec.CommandContext(ctx, c.program, args...)
	command.Dir, command.Env, command.Stdout, command.Stderr = c.dir, c.environ, output, output
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	started := make(chan struct{})
	c.gate.open(at, func() { <-started; at.victim.kills(command.Process.Pid) })
	err = command.Start()
	close(started)
	if err != nil {
		return ended{}, err
	}
	err = command.Wait()
	if ctx.Err() != nil {
		err = fmt.Errorf("%s: %w", strings.Join(args, " "), ctx.Err())
	} else if errors.As(err, new(*exec.ExitError)) {
		err = nil
	}
	outlived := untilGone(command.Process.Pid)
	asked, struck := c.gate.shut()
	text, readErr := os.ReadFile(output.Name())
	return ended{command.ProcessState.ExitCode(), string(text), asked, struck, outlived}, errors.Join(err, readErr)
}

// untilGone waits for the end of a process group, and helps it in the end.
func untilGone(group int) time.Duration {
	since := time.Now()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for len(members(group)) > 0 {
		if time.Since(since) > 2*outlives {
			_ = syscall.Kill(-group, syscall.SIGKILL)
		}
		<-look.C
	}
	return time.Since(since)
}
