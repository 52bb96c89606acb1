package image

import (
	"context"
	"errors"
	"fmt"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// off waits until the builder has switched itself off, behind its agent's back. If it
// cannot, it says so on the console and stays.
func (f *following) off(ctx context.Context) (guest.Report, error) {
	console := f.r.consoleOf(f.instance, f.job)
	console.heard.told, console.heard.current, console.heard.since = len(f.report.Passed), f.at, f.since // as the commands have told
	_, err := cloud.Poll[cloud.Instance]{
		Most: attentive,
		What: fmt.Sprintf("instance %s (%s) to switch itself off", f.instance.ID, f.r.aws.Name()),
		Read: func(ctx context.Context) (cloud.Instance, string, string, error) {
			found, state, reason, err := console.read(ctx)
			if console.report.Failure != nil {
				err = console.report.Failure
			}
			return found, state, reason, err
		},
		Pending: []string{cloud.InstancePending, cloud.InstanceRunning, cloud.InstanceStopping},
		Target:  []string{cloud.InstanceStopped},

		Progress: f.r.options.Progress,
	}.Wait(ctx)
	if failure, ok := errors.AsType[*guest.Failure](err); ok {
		f.report.Failure = failure
		return f.report, nil
	}
	if err == nil && len(f.report.Identity) == 0 {
		// The command that told it was an earlier apply's; the console has heard it too.
		heard, _ := console.look(ctx)
		f.report.Identity = heard.Identity
	}
	return f.report, err
}

// isOff reports whether the instance is switching itself off, or has done so.
func (f *following) isOff(ctx context.Context) bool {
	f.refresh(ctx)
	return f.instance.State == cloud.InstanceStopping || f.instance.State == cloud.InstanceStopped
}

// stopped takes up a builder that has stopped since an earlier apply was interrupted. No
// command reaches it any more, but its console has heard the end as well.
func (f *following) stopped(ctx context.Context) (guest.Report, error) {
	return f.r.consoleOf(f.instance, f.job).wait(ctx)
}
