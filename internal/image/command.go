package image

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// agentWithin is how long an instance's agent may take to come. It mostly takes one
// minute. On Windows it comes when all else is done, after Sysprep or updates: that mostly
// takes five.
const (
	agentWithin        = 10 * time.Minute
	agentWindowsWithin = 30 * time.Minute
)

func (f *following) agentWithin() time.Duration {
	if f.r.spec.windows() {
		return agentWindowsWithin
	}
	return agentWithin
}

// watchEvery is the least pause between two looks at the instance itself while a command
// is under way.
const watchEvery = 20 * time.Second

// byCommand carries a job in Run Commands, one for each item. What is done is noted in the
// guest, so that any apply can go on from there.
type byCommand struct{ r *run }

func (c *byCommand) board(_ context.Context, job job) ([]byte, error) {
	if job.role != cloud.RoleBuilder {
		return nil, nil // what a builder's user data has set up is in the image
	}
	return []byte(c.r.spec.Bake.UserData), nil
}

func (c *byCommand) follow(ctx context.Context, instance cloud.Instance, job job) (guest.Report, error) {
	commands, err := job.work.Commands()
	if err != nil {
		return guest.Report{}, err
	}
	following := following{r: c.r, instance: instance, job: job}
	if instance.State == cloud.InstanceStopped || instance.State == cloud.InstanceStopping {
		return following.stopped(ctx)
	}
	if err := following.agent(ctx); err != nil {
		return guest.Report{}, err
	}
	for _, command := range commands {
		err := following.do(ctx, command, commands[0])
		if err != nil && command.Kind == guest.CommandClose && following.isOff(ctx) {
			// An earlier apply has sent the last command; this one came too late.
			return following.stopped(ctx)
		}
		if err != nil || following.report.Failure != nil {
			return following.report, err
		}
	}
	if job.role == cloud.RoleBuilder {
		return following.off(ctx)
	}
	return following.report, nil
}

// following is one instance that is followed by commands.
type following struct {
	r        *run
	instance cloud.Instance
	job      job
	// at is what is under way, since when.
	at    string
	since time.Time
	// report is what all commands have said together.
	report guest.Report
}

func (f *following) printf(format string, args ...any) {
	f.r.options.Progress.Printf("%s: %s", f.instance.ID, guest.Mask(fmt.Sprintf(format, args...), f.r.spec.Bake.Secrets))
}

// agent waits until commands reach the instance.
func (f *following) agent(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, f.agentWithin())
	defer cancel()
	told := false
	watch := watching{aws: f.r.aws, id: f.instance.ID}
	_, err := cloud.Poll[cloud.Agent]{
		What: fmt.Sprintf("the SSM agent of %s (%s)", f.instance.ID, f.r.aws.Name()),
		Read: func(ctx context.Context) (cloud.Agent, string, string, error) {
			agent, err := f.r.aws.Agent(ctx, f.instance.ID)
			if err != nil || agent.Online() {
				return agent, "online", "", err
			}
			if !told {
				f.printf("waiting for the SSM agent")
				told = true
			}
			return agent, "away", "", watch.alive(ctx, &f.instance)
		},
		Pending: []string{"away"},
		Target:  []string{"online"},
		First:   2 * time.Second,

		Progress: f.r.options.Progress, Far: func() string { return "it has not registered; the instance is " + f.instance.State },
	}.Wait(limited)
	if errorIs[*cloud.TimeoutError](err) && ctx.Err() == nil {
		return &agentError{f.instance, f.agentWithin(), f.r.spec.windows()}
	}
	return err
}

// watching looks now and then whether an instance is alive.
type watching struct {
	aws  AWS
	id   string
	last time.Time
}

// alive refreshes the instance, at most every watchEvery. One that has ended or stopped is
// an error with AWS's own reason.
func (w *watching) alive(ctx context.Context, instance *cloud.Instance) error {
	if time.Since(w.last) < watchEvery {
		return nil
	}
	w.last = time.Now()
	found, err := w.aws.Instances(ctx, cloud.InstanceQuery{
		IDs: []string{w.id}, States: append(cloud.LiveInstanceStates(), cloud.InstanceShuttingDown, cloud.InstanceTerminated),
	})
	if err != nil || len(found) == 0 {
		return err
	}
	*instance = found[0]
	if instance.State == cloud.InstancePending || instance.State == cloud.InstanceRunning {
		return nil
	}
	return &cloud.StateError{
		What:  fmt.Sprintf("instance %s (%s) to do its work", w.id, w.aws.Name()),
		State: instance.State, Reason: instance.StateReason, Want: []string{cloud.InstanceRunning},
	}
}

// do does one item, unless an earlier apply has done it. open is the command that makes
// the machine ready, again after each restart.
func (f *following) do(ctx context.Context, command, open guest.Command) error {
	if command.Number > 0 && f.report.Finished[command.Number] {
		f.printf("%s was done before", f.job.title(command.Title))
		return nil
	}
	f.begin(command)
	if command.Kind == guest.CommandLocal {
		if failure := f.local(ctx, command); failure != nil {
			f.failed(failure)
			return ctx.Err()
		}
	}
	report, err := f.answer(ctx, command, open)
	if err != nil {
		return err
	}
	f.take(report)
	if command.Kind == guest.CommandReboot && report.Failure == nil {
		return f.ready(ctx, open)
	}
	return nil
}

// answer sends a command until it is answered for good: again after each restart, and once
// more when it ended without an answer, which a restart may have cut off: the guest knows.
func (f *following) answer(ctx context.Context, command, open guest.Command) (guest.Report, error) {
	report, err := f.send(ctx, command)
	for unheard := 0; err == nil && report.Rebooting || errorIs[*brokenOff](err) && unheard == 0; {
		if err != nil {
			unheard++
		}
		if err = f.rest(ctx); err != nil {
			break
		}
		// A step's own script may ask for a restart too. Then this boot has another key for
		// the secrets that the step is sent with.
		if command.Kind != guest.CommandReboot && command.Kind != guest.CommandOpen {
			if err := f.ready(ctx, open); err != nil {
				return report, err
			}
		}
		report, err = f.send(ctx, command)
	}
	if err != nil {
		return report, fmt.Errorf("%s: %w", command.Title, err)
	}
	return report, nil
}

// ready makes the machine ready again after a restart.
func (f *following) ready(ctx context.Context, open guest.Command) error {
	return f.do(ctx, open, open)
}

// restartPause is how long a machine is left alone that has been told to restart.
const restartPause = 5 * time.Second

func (f *following) rest(ctx context.Context) error {
	timer := time.NewTimer(restartPause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return f.agent(ctx)
	}
}

// take adds what a command has said, and tells of it.
func (f *following) take(report guest.Report) {
	for _, passed := range report.Passed {
		if !slices.Contains(f.report.Passed, passed) {
			f.report.Passed = append(f.report.Passed, passed)
			f.printf("%s", f.job.passed(passed))
		}
	}
	if report.Output != "" {
		f.printf("its output ends with:\n%s", report.Output)
	}
	if report.Finished != nil && f.report.Finished == nil {
		f.report.Finished = report.Finished
	}
	if report.Key != "" {
		f.report.Key = report.Key
	}
	if report.Failure != nil {
		f.failed(report.Failure)
	}
	if len(report.Identity) > 0 {
		f.report.Identity = maps.Clone(report.Identity)
	}
}

// send sends a command, in as many pieces as it takes, and returns what it says.
func (f *following) send(ctx context.Context, command guest.Command) (guest.Report, error) {
	if command.Secret {
		// A plan says so, unless the provider's configuration was not known then.
		if err := f.r.aws.Confidential(); err != nil {
			return guest.Report{}, fmt.Errorf("no secrets were sent: %w", err)
		}
	}
	sealed, err := command.Seal(f.report.Key, f.r.spec.Bake.Secrets)
	if err != nil {
		return guest.Report{}, err
	}
	if sealed.Parcel != nil {
		parcel, err := f.r.deliver(ctx, f.job, sealed.Step.Name, sealed.Parcel)
		if err != nil {
			return guest.Report{}, err
		}
		sealed = sealed.Deliver(parcel)
	}
	lines, err := f.lines(ctx, sealed)
	if err != nil {
		return guest.Report{}, err
	}
	var report guest.Report
	for i, line := range lines {
		comment := "stamp " + command.Title
		if len(lines) > 1 {
			comment = fmt.Sprintf("%s, %d of %d", comment, i+1, len(lines))
		}
		if report, err = f.line(ctx, line, comment); err != nil {
			return report, err
		}
	}
	return report, nil
}

// lines puts a command into what a shell is given. A long one goes through the staging
// bucket, when there is one.
func (f *following) lines(ctx context.Context, command guest.Command) ([]string, error) {
	lines, err := command.Carry(f.job.nonce)
	if err != nil || len(lines) == 1 || f.r.spec.Bake.StagingBucket == "" {
		return lines, err
	}
	if command.Script, err = f.r.stage(ctx, f.job, command.Script, true); err != nil {
		return nil, err
	}
	return command.Carry(f.job.nonce)
}

// maxComment is the most characters of a command's comment.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
const maxComment = 100

func (f *following) document() string {
	if f.r.spec.windows() {
		return cloud.DocumentPowerShell
	}
	return cloud.DocumentShell
}

// line sends one line, and waits for what becomes of it. A call whose answer got lost is
// repeated: in the guest the second command finds the first.
func (f *following) line(ctx context.Context, line, comment string) (guest.Report, error) {
	letters := []rune(comment)
	command := cloud.Command{
		InstanceID: f.instance.ID, Document: f.document(), Lines: []string{line}, Comment: string(letters[:min(len(letters), maxComment)]),
	}
	id, err := f.r.aws.SendCommand(ctx, command)
	for unclear := 0; err != nil && cloud.ClassOf(err) == cloud.Unclear && unclear < unclearAnswers && ctx.Err() == nil; unclear++ {
		id, err = f.r.aws.SendCommand(ctx, command)
	}
	if err != nil {
		return guest.Report{}, err
	}
	return f.result(ctx, id)
}

// result waits for a command's end and reads what it has said.
func (f *following) result(ctx context.Context, commandID string) (guest.Report, error) {
	watch := watching{aws: f.r.aws, id: f.instance.ID, last: time.Now()}
	result, err := cloud.Poll[cloud.CommandResult]{
		What: fmt.Sprintf("command %s on %s (%s)", commandID, f.instance.ID, f.r.aws.Name()),
		Read: func(ctx context.Context) (cloud.CommandResult, string, string, error) {
			result, err := f.r.aws.CommandResult(ctx, commandID, f.instance.ID)
			if err == nil {
				err = watch.alive(ctx, &f.instance)
			}
			return result, result.State, result.Details, err
		},
		Pending: []string{cloud.CommandPending, cloud.CommandInProgress, cloud.CommandDelayed, cloud.CommandCancelling},
		Target:  []string{cloud.CommandSuccess, cloud.CommandFailed, cloud.CommandTimedOut, cloud.CommandCancelled},

		Progress: f.r.options.Progress, Far: func() string { return f.at + ", for " + seconds(time.Since(f.since)) },
	}.Wait(ctx)
	if err != nil {
		return guest.Report{}, err
	}
	report := guest.ParseConsole(f.job.nonce, result.Output).Masked(f.r.spec.Bake.Secrets)
	if report.Done {
		return report, nil
	}
	return report, &brokenOff{
		commandID, f.instance.ID, result.State, result.Details, guest.Mask(tailOf(result.Output+result.ErrorOutput), f.r.spec.Bake.Secrets),
	}
}

// tailLines is how many lines of an output people are shown.
const tailLines = 50

func tailOf(output string) string {
	lines := strings.Split(strings.TrimRight(output, "\r\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}
