package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// observeUnder reads a fleet under a lease. Where that was a process's which has just died,
// it waits first: what nobody can see yet would be launched a second time.
func observeUnder(ctx context.Context, aws AWS, lease *ownership.Lease, watch Watch, progress report.Progress) (*Observation, error) {
	if err := ownership.Settle(ctx, lease.Before, progress); err != nil {
		return nil, err
	}
	leases, err := lease.Observe(ctx)
	if err != nil {
		return nil, err
	}
	return observeBeside(ctx, aws, watch, leases)
}

// notBegun says that an apply or a destroy has not begun: another one is at work, or it
// could not say that it is.
func notBegun(aws AWS, owner ownership.Owner, command string, err error) error {
	done := map[string]string{"apply": "changed", "destroy": "removed"}[command]
	failure := &report.Failure{
		Summary: fmt.Sprintf("Fleet %s was not %s", owner.Name, done),
		Subject: "fleet " + owner.Name + " (" + aws.Name() + ")",
		Cause:   err,
		Now:     "nothing was changed",
		Next:    "run terraform " + command + " again",
	}
	switch {
	case isHeld(err):
		failure.Next = "wait until it has ended, then run terraform " + command + " again"
	case cloud.Remedy(err) != "":
		failure.Next = cloud.Remedy(err) + "; then run terraform " + command + " again"
	}
	return failure
}

func isHeld(err error) bool {
	_, held := errors.AsType[*ownership.HeldError](err)
	return held
}

// notEnded says that an apply or a destroy could not say that it has ended. Terraform taints
// what a create has made that fails, and would begin by ending it.
func notEnded(aws AWS, owner ownership.Owner, command string, created bool, err error) error {
	next := "run terraform " + command + " again"
	if created {
		next = report.Untaint + ", so that it is kept, and then terraform apply"
	}
	if cloud.ClassOf(err) == cloud.Denied {
		next = "give whoever runs Terraform the permission ec2:DeleteLaunchTemplate; then " + next
	}
	return &report.Failure{
		Summary: fmt.Sprintf("Fleet %s still counts as being worked on", owner.Name),
		Subject: "fleet " + owner.Name + " (" + aws.Name() + ")",
		Cause:   err,
		Now:     "everything else is done",
		Next:    next,
	}
}

// lost reports whether somebody else has taken over.
func (r *run) lost() bool { return errors.Is(context.Cause(r.lease.Context()), ownership.ErrLost) }

// lostFailure is what an apply ends with when somebody else has taken over: it stops where
// it is, and leaves everything to the other one.
func lostFailure(aws AWS, owner ownership.Owner, command string) error {
	return &report.Failure{
		Summary: fmt.Sprintf("Fleet %s was taken over by another apply", owner.Name),
		Subject: "fleet " + owner.Name + " (" + aws.Name() + ")",
		Cause:   ownership.ErrLost,
		Now:     "what this one had done is there; nothing was cleaned up, since the other one goes on with it",
		Next:    "wait until the other one has ended, then run terraform " + command + " again",
	}
}

// note notes that EC2 was asked to launch, and how that ended.
func (r *run) note(ctx context.Context, err error) {
	r.asked = time.Now()
	r.unclear = err != nil && (cloud.ClassOf(err) == cloud.Unclear || ctx.Err() != nil)
}

// visibleSoon is how long after a launch EC2 mostly shows it: its advice is to begin with a
// couple of seconds.
// https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
const visibleSoon = 5 * time.Second

// waitVisible waits until a launch that a failed run has just asked for is likely to be
// seen. What comes next reads by tags: a destroy, where Terraform has tainted the fleet.
func (r *run) waitVisible(ctx context.Context) {
	timer := time.NewTimer(visibleSoon - time.Since(r.asked))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// mayHaveMore reports whether a create whose fleet reads as empty may have instances all the
// same: launched, or left by the create that it has taken over.
func (r *run) mayHaveMore() bool {
	return r.unclear || len(r.filled) > 0 || r.lease.TakenOver && r.observed == nil
}
