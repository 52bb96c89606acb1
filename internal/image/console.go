package image

import (
	"context"
	"fmt"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// consoleLag is how long after an instance has stopped its console output may still
// be on its way.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshoot-unreachable-instance.html
const consoleLag = 5 * time.Minute

// consoleEvery is the least pause between two looks at the console of an instance
// that still runs.
const consoleEvery = 20 * time.Second

// consoleOf follows a temporary instance that works by itself to its end.
type consoleOf struct {
	r        *run
	instance cloud.Instance
	marker   string
	lastLook time.Time
	told     int
	// heard is what it said when it was last looked at.
	heard guest.Report
}

// wait returns the report of an instance that has stopped itself.
func (c *consoleOf) wait(ctx context.Context) (guest.Report, error) {
	_, err := cloud.Poll[cloud.Instance]{
		What:    fmt.Sprintf("instance %s (%s) to finish", c.instance.ID, c.r.aws.Name()),
		Read:    c.read,
		Pending: []string{cloud.InstancePending, cloud.InstanceRunning, cloud.InstanceStopping},
		Target:  []string{cloud.InstanceStopped},
		Failed:  []string{cloud.InstanceShuttingDown, cloud.InstanceTerminated},
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
	}.Wait(limited)
	if err != nil && ctx.Err() == nil {
		return result, fmt.Errorf("the instance stopped before its work was done (%s): %w", inProgress(result), err)
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
	return found[0], found[0].State, found[0].StateReason, nil
}

// look reads the console and tells what has been done since the last look.
func (c *consoleOf) look(ctx context.Context) (guest.Report, error) {
	c.lastLook = time.Now()
	output, err := c.r.aws.ConsoleOutput(ctx, c.instance.ID)
	if err != nil {
		return guest.Report{}, err
	}
	found := guest.ParseConsole(c.marker, output)
	c.heard = found
	for c.told < len(found.Passed) {
		c.r.options.Progress.Printf("%s: %s done", c.instance.ID, found.Passed[c.told])
		c.told++
	}
	return found, nil
}

// explain adds to a wait that ran out of time what the instance was doing.
func (c *consoleOf) explain(ctx context.Context, err error) error {
	after, cancel := afterwards(ctx)
	defer cancel()
	found, lookErr := c.look(after)
	if lookErr != nil {
		return err
	}
	return fmt.Errorf("%w; %s", err, inProgress(found))
}

func inProgress(found guest.Report) string {
	switch {
	case !found.Started:
		return "its console shows nothing of our script: does the source image run user data at boot (cloud-init)?"
	case found.Current != "":
		return "it was at " + found.Current
	case len(found.Passed) > 0:
		return "the last thing done was " + found.Passed[len(found.Passed)-1]
	default:
		return "it had only begun"
	}
}
