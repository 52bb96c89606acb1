package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// Destroy drains and terminates every instance that is proven to be the fleet's, and what
// creates have left that were to replace it and died, and waits until all are terminated.
// It is safe to repeat. The warnings name what carries the fleet's tags and is left alone;
// errors are *report.Failure.
func Destroy(ctx context.Context, aws AWS, watch Watch, progress report.Progress) ([]report.Warning, error) {
	if watch.Owner.ID == "" {
		return nil, nil // nothing was ever made
	}
	lease, err := ownership.Begin(ctx, aws, watch.Owner, ownership.Options{Progress: progress})
	if err != nil {
		return nil, notBegun(aws, watch.Owner, "destroy", err)
	}
	d := &destruction{aws: aws, watch: watch, lease: lease, progress: progress, asked: map[string]bool{}}
	err = d.all(lease.Context())
	switch {
	case err != nil && errors.Is(context.Cause(lease.Context()), ownership.ErrLost):
		err = lostFailure(aws, watch.Owner, "destroy")
	case isHeld(err):
		err = notBegun(aws, watch.Owner, "destroy", err)
	case err != nil:
		err = d.failure(err)
	}
	after, cancel := afterwards(ctx)
	defer cancel()
	if endErr := lease.End(after); endErr != nil {
		err = errors.Join(err, notEnded(aws, watch.Owner, "destroy", false, endErr))
	}
	return d.warnings, err
}

// destruction is one destroy.
type destruction struct {
	aws      AWS
	watch    Watch
	lease    *ownership.Lease
	progress report.Progress
	warnings []report.Warning
	// asked are the instances that EC2 was asked to end, protected those that it must not.
	asked     map[string]bool
	protected []string
}

// all ends everything. What somebody has protected is an error once all else is gone, so
// that the destroy can be repeated.
func (d *destruction) all(ctx context.Context) error {
	observed, err := observeUnder(ctx, d.aws, d.lease, Watch{Owner: d.watch.Owner, Known: d.watch.Known, Slots: d.watch.Slots}, d.progress)
	if err != nil {
		return err
	}
	d.warnOf(observed.Foreign)
	for _, id := range observed.Leases.Unwritten(d.watch.Owner, observed.Others) {
		d.warnings = append(d.warnings, ownership.UnwrittenWarning(d.watch.Owner, id, "instances"))
	}
	if err := d.endAll(ctx, d.watch.Owner, observed.all()); err != nil {
		return err
	}
	for _, left := range observed.left {
		if err := d.clear(ctx, left); err != nil {
			return err
		}
	}
	if len(d.protected) > 0 {
		return &ProtectedError{InstanceIDs: d.protected}
	}
	return nil
}

// clear ends what one dead apply has left, and then its lease: without that, nobody would
// look for the rest.
func (d *destruction) clear(ctx context.Context, left ownership.Left) error {
	if left.Owner.ID != d.watch.Owner.ID {
		if claimed, err := left.Claim(ctx, d.aws); err != nil || !claimed {
			return err
		}
		protected := len(d.protected)
		if err := d.endAll(ctx, left.Owner, nil); err != nil || len(d.protected) > protected {
			return err
		}
	}
	return left.Clear(ctx, d.aws)
}

// endAll ends an owner's instances and waits until all have ended, also those that become
// visible only meanwhile.
func (d *destruction) endAll(ctx context.Context, owner ownership.Owner, members []Member) error {
	if err := d.end(ctx, members); err != nil {
		return err
	}
	query := cloud.InstanceQuery{Tags: owner.Tags(), States: append(cloud.LiveInstanceStates(), cloud.InstanceShuttingDown)}
	remaining := len(members)
	_, err := cloud.Poll[int]{
		What: fmt.Sprintf("the instances of fleet %s (%s) to be terminated", owner.Name, d.aws.Name()),
		Read: func(ctx context.Context) (left int, state, reason string, err error) {
			found, err := d.aws.Instances(ctx, query)
			if err != nil {
				return 0, "", "", err
			}
			found = slices.DeleteFunc(found, func(instance cloud.Instance) bool {
				return !launchedBy(owner, instance) || slices.Contains(d.protected, instance.ID)
			})
			fresh := slices.DeleteFunc(slices.Clone(found), func(instance cloud.Instance) bool {
				return !instance.Live() || d.asked[instance.ID]
			})
			if err := d.end(ctx, membersOf(fresh, nil)); err != nil {
				return 0, "", "", err
			}
			if remaining = len(found); len(found) > 0 {
				return len(found), cloud.InstanceShuttingDown, "", nil
			}
			return 0, cloud.InstanceTerminated, "", nil
		},
		Pending: []string{cloud.InstanceShuttingDown},
		Target:  []string{cloud.InstanceTerminated},

		Progress: d.progress, Far: func() string { return fmt.Sprintf("%d are left", remaining) },
	}.Wait(ctx)
	return err
}

// end asks EC2 to end instances, and notes those that it must not.
func (d *destruction) end(ctx context.Context, members []Member) error {
	err := end(ctx, d.aws, d.watch.TargetGroupARNs, members, d.progress)
	if protected, ok := errors.AsType[*ProtectedError](err); ok {
		d.protected = append(d.protected, protected.InstanceIDs...)
		err = nil
	}
	for _, member := range members {
		d.asked[member.Instance.ID] = true
	}
	return err
}

func (d *destruction) failure(err error) error {
	name := d.watch.Owner.Name
	return &report.Failure{
		Summary: fmt.Sprintf("Fleet %s was not removed altogether", name),
		Subject: "fleet " + name + " (" + d.aws.Name() + ")",
		Cause:   err,
		Now:     fmt.Sprintf("what is left of it carries the tags %s = %s and %s = %s", cloud.TagFleet, name, cloud.TagOwner, d.watch.Owner.ID),
		Next:    advice(err, "") + "run terraform destroy again: it removes the rest",
	}
}

func (d *destruction) warnOf(foreign []ownership.Foreign) {
	for _, thing := range foreign {
		d.warnings = append(d.warnings, report.Warning{
			Summary: fmt.Sprintf("Fleet %s leaves alone what is not its own", d.watch.Owner.Name),
			Detail:  thing.String() + ". It was not ended.",
		})
	}
}
