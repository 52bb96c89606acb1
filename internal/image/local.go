package image

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// localGrace is how long what a local command has started may keep its output open.
const localGrace = 5 * time.Second

// local runs a step's command beside the provider, as often as its retries allow.
func (f *following) local(ctx context.Context, command guest.Command) *guest.Failure {
	step := command.Step
	f.refresh(ctx)
	f.printf("%s begins, here", command.Title)
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
	shell, flag := "/bin/sh", "-c"
	if runtime.GOOS == "windows" {
		shell, flag = "cmd.exe", "/C"
	}
	local := exec.CommandContext(limited, shell, flag, step.Local)
	local.Env = f.localEnvironment(step)
	local.WaitDelay = localGrace
	var output bytes.Buffer
	local.Stdout, local.Stderr = &output, &output
	err := local.Run()
	text := guest.Mask(tailOf(output.String()), f.r.spec.Bake.Secrets)
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		code, text = -1, text+err.Error()
	}
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

// localEnvironment is the provider's own, the step's, the secrets, and where the builder
// is.
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
	environment := os.Environ()
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		environment = append(environment, name+"="+variables[name])
	}
	return environment
}
