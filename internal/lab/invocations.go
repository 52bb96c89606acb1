package lab

import (
	"context"
	"errors"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

// invocation is a command on its way to, and in, one instance.
type invocation struct {
	command  *command
	instance *instance
	// status is one of the few; details say more.
	status, details string
	started, ended  time.Time
	code            int
	stdout, stderr  string
	// saved are the streams that went to the bucket.
	saved map[string]bool
	// runs counts how often the agent has begun it; cancel ends the present run, whose
	// life is its own.
	runs   int
	life   context.Context
	cancel context.CancelCauseFunc
}

// noCode is the response code of what has not run.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html
const noCode = -1

func newInvocation(of *command, to *instance) *invocation {
	return &invocation{command: of, instance: to, status: cmdPending, details: cmdPending, code: noCode}
}

// over tells whether the state is a last one.
func (v *invocation) over() bool {
	switch v.status {
	case cmdPending, cmdInProgress, cmdDelayed, cmdCancelling:
		return false
	}
	return true
}

// waiting tells whether it has not been delivered yet.
func (v *invocation) waiting() bool { return v.status == cmdPending || v.status == cmdDelayed }

func (v *invocation) enter(status, details string) { v.status, v.details = status, details }

// failed invocations count against the command's MaxErrors.
func (v *invocation) failed() bool { return v.status == cmdFailed || v.details == detailExecution }

// end is the end of an invocation, however it came. The next ones then have room.
func (v *invocation) end(status, details string, at time.Time) {
	if v.over() {
		return
	}
	v.enter(status, details)
	v.ended = at
	v.command.pump(at)
}

// arrive is when the agents hear of a command.
func (c *command) arrive(at time.Time) {
	c.arrived = true
	c.pump(at)
}

// pump delivers to as many instances at a time as the command allows, and to no more
// once there have been too many errors.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/send-commands-multiple.html
func (c *command) pump(at time.Time) {
	running, failures := 0, 0
	for _, v := range c.invocations {
		if v.failed() {
			failures++
		}
		if !v.over() && !v.waiting() {
			running++
		}
	}
	for _, v := range c.invocations {
		switch {
		case !v.waiting() || !c.arrived:
		case failures > c.maxErrors():
			v.enter(cmdCancelled, detailEnded)
			v.ended = at
		case running < c.concurrency():
			if v.deliver(at) {
				running++
			}
		}
	}
}

// deliver hands a waiting invocation to the agent, if that can be reached.
func (v *invocation) deliver(at time.Time) bool {
	if !v.instance.online() {
		v.enter(cmdDelayed, cmdDelayed)
		return false
	}
	v.enter(cmdInProgress, cmdInProgress)
	v.started = at
	v.run()
	return true
}

// deliver goes on with what waits for agents, some of which have come up: what has not
// been delivered, and what a stop has interrupted.
func (r *region) deliver(at time.Time) {
	for _, c := range r.commands {
		if at.After(c.expires) {
			continue
		}
		for _, v := range c.invocations {
			if v.status == cmdInProgress && v.cancel == nil && v.instance.online() {
				v.run()
			}
		}
		c.pump(at)
	}
}

// giveUp is the end of the delivery timeout.
func (c *command) giveUp(at time.Time) {
	for _, v := range c.invocations {
		if v.waiting() {
			v.end(cmdTimedOut, detailDelivery, at)
		}
	}
}

// expire is the end of the total timeout: of what was interrupted and never went on.
func (c *command) expire(at time.Time) {
	for _, v := range c.invocations {
		if v.cancel == nil {
			v.end(cmdTimedOut, detailExecution, at)
		}
	}
}

// Reasons to end a run before its own end.
var (
	errTimeIsOver = errors.New("the execution timeout is over")
	errCancelled  = errors.New("the command was cancelled")
	errClosing    = errors.New("the lab is closing")
)

// What the agent does.
// https://github.com/aws/amazon-ssm-agent
const (
	// killedCode is the exit code of what was stopped before its end.
	killedCode = 137
	// maxRuns is how often a command is begun that reboots interrupt.
	maxRuns = 15
	// agentRestart is how long the agent takes to look again after one, in the machine's
	// time.
	agentRestart = time.Second
	// agentDirectory is where the agent's service runs.
	agentDirectory = "/usr/bin"
)

// run begins a run of the invocation, in a goroutine of its own: a guest is driven
// without the lab's lock. Its time is the lab's.
func (v *invocation) run() {
	l := v.instance.region.lab
	if l.closed || v.runs >= maxRuns {
		return
	}
	v.runs++
	v.life, v.cancel = context.WithCancelCause(l.life)
	l.drivers.Go(func() { v.record(v.attempt()) })
}

// attempt is one run of the script in the guest, for as long as its time lasts.
func (v *invocation) attempt() (guests.Result, error) {
	ctx, release := context.WithTimeoutCause(v.life, v.instance.region.lab.clock.real(v.command.limit), errTimeIsOver)
	defer release()
	return v.execute(ctx)
}

// record writes down what came of a run. It takes the lab's lock.
func (v *invocation) record(result guests.Result, err error) {
	l := v.instance.region.lab
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.now()
	l.agenda.settle(now)
	v.cancel(nil)
	v.cancel = nil
	switch {
	case v.over() || errors.Is(err, errClosing):
	case errors.Is(err, errTimeIsOver):
		v.code, v.stderr = killedCode, result.Errors
		v.end(cmdTimedOut, detailExecution, now)
	case errors.Is(err, errCancelled):
		v.code, v.stderr = killedCode, result.Errors
		v.end(cmdCancelled, cmdCancelled, now)
	case errors.Is(err, guests.ErrOff) || errors.Is(err, ErrNoGuest):
		v.interrupted(now)
	case result.ExitCode == v.instance.disk().platform().rebootCode && err == nil:
		v.instance.machine.reboot()
		v.run()
	default:
		v.finish(result, err, now)
	}
}

// execute runs the script in the guest, once the guest has done what it was asked
// before.
func (v *invocation) execute(ctx context.Context) (guests.Result, error) {
	guest, err := v.instance.machine.idle(ctx)
	if err != nil {
		return guests.Result{}, errors.Join(err, context.Cause(ctx))
	}
	return guest.Execute(ctx, guests.Command{
		Script: v.command.script, Directory: v.command.directory, Environment: v.environment(),
	})
}

// environment is what the agent sets: it passes on nothing of its own service's, and
// there is no HOME.
// https://github.com/aws/amazon-ssm-agent/issues/427
func (v *invocation) environment() []string {
	runs := v.instance.disk().platform()
	return []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "LANG=en_US.UTF-8",
		"AWS_SSM_INSTANCE_ID=" + v.instance.id, "AWS_SSM_REGION_NAME=" + v.instance.region.name,
		"AWS_SSM_PLATFORM_NAME=" + runs.name, "AWS_SSM_PLATFORM_VERSION=" + runs.version, "SSM_COMMAND_ID=" + v.command.id,
	}
}

// interrupted is what a guest's going off leaves: the agent begins the command again
// when it is back. A guest that rebooted itself is back at once.
func (v *invocation) interrupted(now time.Time) {
	if !v.instance.online() {
		return
	}
	l := v.instance.region.lab
	l.agenda.add(now.Add(agentRestart), func(time.Time) {
		if !v.over() && v.cancel == nil && v.instance.online() {
			v.run()
		}
	})
}
