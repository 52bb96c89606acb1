package fleet

import (
	"context"
	"fmt"
	"slices"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// end terminates what is beyond the size, and surplus instances once those that stay
// in their slots are ready.
func (r *run) end(ctx context.Context) error {
	if len(r.plan.End) == 0 {
		return nil
	}
	var keep []Member
	for _, id := range r.plan.Wait {
		keep = append(keep, Member{Instance: cloud.Instance{ID: id}})
	}
	if len(keep) > 0 {
		if err := r.waitReady(ctx, keep); err != nil {
			return r.failure("has slots with two instances", "", err,
				"both instances of such a slot are kept, since the newer one is not ready", "run terraform apply again")
		}
	}
	r.options.Progress.Printf("ending %s", instances(len(r.plan.End)))
	if err := r.aws.TerminateInstances(ctx, r.plan.End); err != nil {
		return r.failure("has instances that could not be terminated", "", err, "the slots that stay are as specified", "run terraform apply again")
	}
	return nil
}

// Destroy terminates every instance that carries the fleet's tags and waits until all
// are terminated. It is safe to repeat. Errors are *report.Failure.
func Destroy(ctx context.Context, aws AWS, name string, progress report.Progress) error {
	fail := func(err error) error {
		return &report.Failure{
			Summary: fmt.Sprintf("Fleet %s was not removed altogether", name),
			Subject: "fleet " + name + " (" + aws.Name() + ")",
			Cause:   err,
			Now:     "what is left of it carries the tag " + cloud.TagFleet + " = " + name,
			Next:    "run terraform destroy again: it removes the rest",
		}
	}
	query := cloud.InstanceQuery{Tags: ownership(name)}
	found, err := aws.Instances(ctx, query)
	if err != nil {
		return fail(err)
	}
	var ids []string
	for _, instance := range found {
		ids = append(ids, instance.ID)
	}
	if len(ids) > 0 {
		progress.Printf("ending %s", instances(len(ids)))
		if err := aws.TerminateInstances(ctx, slices.Sorted(slices.Values(ids))); err != nil {
			return fail(err)
		}
	}
	query.States = append(cloud.LiveInstanceStates(), cloud.InstanceShuttingDown)
	_, err = cloud.Poll[int]{
		What: fmt.Sprintf("the instances of fleet %s (%s) to be terminated", name, aws.Name()),
		Read: func(ctx context.Context) (int, string, string, error) {
			left, err := aws.Instances(ctx, query)
			if err != nil || len(left) > 0 {
				return len(left), cloud.InstanceShuttingDown, "", err
			}
			return 0, cloud.InstanceTerminated, "", nil
		},
		Pending: []string{cloud.InstanceShuttingDown},
		Target:  []string{cloud.InstanceTerminated},
	}.Wait(ctx)
	if err != nil {
		return fail(err)
	}
	return nil
}
