package image

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// consoleLag is how long after an instance has stopped its console output may still
// be on its way.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshoot-unreachable-instance.html
const consoleLag = 5 * time.Minute

// consoleLimit is how much of a console EC2 shows: its end.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-console.html
const consoleLimit = 64 << 10

// attentive is the longest pause between two looks at what a bake waits for: there are
// few of them at a time, and their minutes are the user's.
const attentive = 3 * time.Second

// consoleEvery is the least pause between two looks at the console of an instance
// that still runs.
const consoleEvery = 20 * time.Second

// consoleOf follows a temporary instance that works by itself to its end.
type consoleOf struct {
	r        *run
	instance cloud.Instance
	job      job
	lastLook time.Time
	heard    *heard
	// report and text are what it said when it was last looked at.
	report guest.Report
	text   string
	// stopping is set once it was told that the instance stops.
	stopping bool
}

func (r *run) consoleOf(instance cloud.Instance, job job) *consoleOf {
	from := func(progress report.Progress) func(format string, args ...any) {
		return func(format string, args ...any) { progress.Printf("%s: %s", instance.ID, fmt.Sprintf(format, args...)) }
	}
	heard := &heard{job: job, tell: from(r.options.Progress)}
	if r.options.Output != nil {
		heard.output = from(r.options.Output)
	}
	return &consoleOf{r: r, instance: instance, job: job, heard: heard}
}

func (c *consoleOf) far() string {
	if c.stopping {
		return "it is stopping"
	}
	return c.heard.far()
}

// wait returns the report of an instance that has stopped itself.
func (c *consoleOf) wait(ctx context.Context) (guest.Report, error) {
	_, err := cloud.Poll[cloud.Instance]{
		Most:    attentive,
		What:    fmt.Sprintf("instance %s (%s) to finish", c.instance.ID, c.r.aws.Name()),
		Read:    c.read,
		Pending: []string{cloud.InstancePending, cloud.InstanceRunning, cloud.InstanceStopping},
		Target:  []string{cloud.InstanceStopped},
		Failed:  []string{cloud.InstanceShuttingDown, cloud.InstanceTerminated},

		Progress: c.r.options.Progress, Far: c.far,
	}.Wait(ctx)
	if err != nil {
		return guest.Report{}, c.explain(ctx, err)
	}
	return c.last(ctx)
}

// last returns the report of an instance that has stopped, once its console has arrived.
func (c *consoleOf) last(ctx context.Context) (guest.Report, error) {
	limited, cancel := context.WithTimeout(ctx, consoleLag)
	defer cancel()
	result, err := cloud.Poll[guest.Report]{
		What: fmt.Sprintf("the console output of %s (%s)", c.instance.ID, c.r.aws.Name()),
		Read: func(ctx context.Context) (guest.Report, string, string, error) {
			found, err := c.look(ctx)
			if found.Done {
				return found, "complete", "", err
			}
			return found, "incomplete", "", err
		},
		Pending: []string{"incomplete"},
		Target:  []string{"complete"},

		Progress: c.r.options.Progress, Far: func() string { return "EC2 shows it some time after the instance has stopped" },
	}.Wait(limited)
	if errorIs[*cloud.TimeoutError](err) && ctx.Err() == nil {
		return result, &cutShort{c.instance.ID, result, c.text}
	}
	return result, err
}

func (c *consoleOf) read(ctx context.Context) (cloud.Instance, string, string, error) {
	found, err := c.r.aws.Instances(ctx, cloud.InstanceQuery{
		IDs: []string{c.instance.ID}, States: append(cloud.LiveInstanceStates(), cloud.InstanceShuttingDown, cloud.InstanceTerminated),
	})
	if err != nil {
		return cloud.Instance{}, "", "", err
	}
	if len(found) == 0 {
		return cloud.Instance{}, cloud.InstancePending, "", nil
	}
	if found[0].State == cloud.InstanceRunning && time.Since(c.lastLook) >= consoleEvery {
		// The console of a running instance is for the eyes only: what it does not say
		// yet, or an error, matters to nobody.
		_, _ = c.look(ctx)
	}
	if found[0].State == cloud.InstanceStopping && !c.stopping {
		c.stopping = true
		c.heard.tell("stopping")
	}
	return found[0], found[0].State, found[0].StateReason, nil
}

// look reads the console and tells what has been done since the last look.
func (c *consoleOf) look(ctx context.Context) (guest.Report, error) {
	c.lastLook = time.Now()
	output, err := c.r.aws.ConsoleOutput(ctx, c.instance.ID)
	if err != nil {
		return guest.Report{}, err
	}
	// What a step writes to the console itself has passed nobody who hides secrets.
	secrets := c.r.spec.Bake.Secrets
	found := guest.ParseConsole(c.job.nonce, output).Masked(secrets)
	c.report, c.text = found, guest.Mask(output, secrets)
	if len(output) >= consoleLimit {
		c.text = guest.MaskEnd(output, secrets)
	}
	c.heard.hear(found)
	return found, nil
}

// explain adds to a wait that ran out of time what the instance was doing. Where EC2 has
// ended it, EC2's reason says more than its console.
func (c *consoleOf) explain(ctx context.Context, err error) error {
	if !errorIs[*cloud.TimeoutError](err) {
		return err
	}
	after, cancel := afterwards(ctx)
	defer cancel()
	found, lookErr := c.look(after)
	switch {
	case lookErr != nil:
		return err
	case !found.Started:
		return &silent{err, c.text}
	default:
		return fmt.Errorf("%w; %s%s", err, inProgress(found), consoleEnd(c.text))
	}
}

func inProgress(found guest.Report) string {
	switch {
	case !found.Started:
		return "it had not begun"
	case found.Current != "":
		return "it was at " + found.Current
	case len(found.Passed) > 0:
		return "the last thing done was " + found.Passed[len(found.Passed)-1]
	default:
		return "its script had begun, and had not come to its first item"
	}
}

// silent says that nothing was heard of the work in all the time that there was.
type silent struct {
	err     error
	console string
}

// Error asks the question that mostly has the answer.
func (e *silent) Error() string {
	return fmt.Sprintf("%v; its console shows nothing of our script: does the source image run user data at boot (cloud-init)?%s", e.err, consoleEnd(e.console))
}

// Unwrap returns the wait's error.
func (e *silent) Unwrap() error { return e.err }

// cutShort says that an instance has stopped and not said that it was done.
type cutShort struct {
	instanceID string
	report     guest.Report
	console    string
}

// Error says how far it had come.
func (e *cutShort) Error() string {
	return fmt.Sprintf("instance %s stopped before its work was done: %s; nothing but the end of the work should switch it off%s",
		e.instanceID, inProgress(e.report), consoleEnd(e.console))
}

// consoleEnd is the end of a console, for people.
func consoleEnd(console string) string {
	if strings.TrimSpace(console) == "" {
		return "; its console is empty"
	}
	return "; the end of its console:\n\n" + tailOf(report.Clean(console))
}
