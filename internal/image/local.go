package image

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// localGrace is how long what a local command has started may keep its output open, and how
// long it has to end when it is told to.
const localGrace = 5 * time.Second

// local runs a step's command beside the provider, as often as its retries allow.
func (f *following) local(ctx context.Context, command guest.Command) *guest.Failure {
	step := command.Step
	f.refresh(ctx)
	for attempt := 1; ; attempt++ {
		failure := f.localOnce(ctx, step)
		if failure == nil {
			return nil
		}
		failure.Attempts = attempt
		if attempt > step.Retries || ctx.Err() != nil {
			return failure
		}
		if !pause(ctx, step.Interval) {
			return failure
		}
	}
}

func pause(ctx context.Context, length time.Duration) bool {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// refresh reads the instance's addresses, which a launch does not tell.
func (f *following) refresh(ctx context.Context) {
	found, err := f.r.aws.Instances(ctx, cloud.InstanceQuery{IDs: []string{f.instance.ID}})
	if err == nil && len(found) == 1 {
		f.instance = found[0]
	}
}

func (f *following) localOnce(ctx context.Context, step guest.Step) *guest.Failure {
	limit := step.Timeout
	if limit == 0 {
		limit = guest.DefaultTimeout
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	waiting := f.r.options.Progress.Wait(f.at + " to end, on this machine")
	defer waiting.End()
	text, code := runLocal(limited, step.Local, f.localEnvironment(step), f.r.spec.Bake.Secrets, localGrace)
	accepted := step.ExitCodes
	if len(accepted) == 0 {
		accepted = []int{0}
	}
	late := limited.Err() != nil
	if !late && slices.Contains(accepted, code) {
		if text != "" {
			f.printf("its output ends with:\n%s", text)
		}
		return nil
	}
	return &guest.Failure{Phase: guest.PhaseStep, Name: step.Name, ExitCode: code, TimedOut: late, Output: text}
}

// runLocal runs a command line, and returns the end of its output without the secrets.
// When the context ends, it ends all that the command has started.
func runLocal(ctx context.Context, line string, environment []string, secrets map[string]string, grace time.Duration) (text string, code int) {
	command := localCommand(ctx, line)
	command.Env = environment
	command.Cancel = func() error { return terminate(command.Process) }
	command.WaitDelay = grace
	output := &lastBytes{most: localOutput}
	command.Stdout, command.Stderr = output, output
	err := command.Run()
	if ctx.Err() != nil && command.Process != nil {
		endGroup(command.Process, grace)
	}
	text = tailOf(output.masked(secrets))
	switch exit, failed := errors.AsType[*exec.ExitError](err); {
	case failed:
		return text, exit.ExitCode()
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		// It has ended well; what it has left running still holds the output.
		return text, 0
	default:
		return strings.TrimSpace(text + "\n" + err.Error()), -1
	}
}

// localOutput is how much of the output is kept: its end.
const localOutput = 64 << 10

// lastBytes keeps the end of what is written to it.
type lastBytes struct {
	most int
	kept []byte
	cut  bool
}

// Write takes all, and forgets what is too long ago.
func (l *lastBytes) Write(part []byte) (int, error) {
	length := len(part)
	if length > l.most {
		part, l.cut, l.kept = part[length-l.most:], true, l.kept[:0]
	}
	if over := len(l.kept) + len(part) - l.most; over > 0 {
		l.cut = true
		l.kept = l.kept[:copy(l.kept, l.kept[over:])]
	}
	l.kept = append(l.kept, part...)
	return length, nil
}

func (l *lastBytes) masked(secrets map[string]string) string {
	if l.cut {
		return guest.MaskEnd(string(l.kept), secrets)
	}
	return guest.Mask(string(l.kept), secrets)
}

// localEnvironment is the provider's own without what Terraform starts a plugin with, the
// step's, the secrets, and where the builder is.
func (f *following) localEnvironment(step guest.Step) []string {
	variables := maps.Clone(step.Environment)
	if variables == nil {
		variables = map[string]string{}
	}
	maps.Copy(variables, f.r.spec.Bake.Secrets)
	variables["STAMP_INSTANCE_ID"] = f.instance.ID
	variables["STAMP_PRIVATE_IP"] = f.instance.PrivateIP
	variables["STAMP_PUBLIC_IP"] = f.instance.PublicIP
	variables["STAMP_REGION"] = f.r.aws.Name()
	environment := slices.DeleteFunc(os.Environ(), forPlugin)
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		environment = append(environment, name+"="+variables[name])
	}
	return environment
}

// forPlugin reports whether a variable is a part of what Terraform starts the provider with:
// with it, a program could take itself for a plugin, and read the certificate.
// https://pkg.go.dev/github.com/hashicorp/go-plugin#ClientConfig
func forPlugin(variable string) bool {
	name, _, _ := strings.Cut(strings.ToUpper(variable), "=")
	return name == "TF_PLUGIN_MAGIC_COOKIE" || strings.HasPrefix(name, "PLUGIN_")
}
