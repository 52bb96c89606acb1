//go:build linux

package crash

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/clitest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

func TestMain(m *testing.M) {
	code := labtest.Main(m)
	clitest.Cleanup()
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
	program := clitest.Program(t)
	environ := clitest.Environ(t, "AWS_ENDPOINT_URL="+endpoint, "AWS_ACCESS_KEY_ID=lab", "AWS_SECRET_ACCESS_KEY=lab", "AWS_REGION=us-east-1")
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
