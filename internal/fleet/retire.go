package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// endSurplus ends what is beyond the size, and surplus instances once those that stay
// in their slots are ready.
func (r *run) endSurplus(ctx context.Context) error {
	if len(r.plan.End) == 0 {
		return nil
	}
	if err := r.waitReady(ctx, r.plan.Wait); err != nil {
		return r.failure("has slots with two instances", "", err,
			"both instances of such a slot are kept, since the newer one is not ready", "run terraform apply again")
	}
	if err := r.end(ctx, r.plan.End); err != nil {
		return r.failure("has instances that could not be terminated", "", err, "the slots that stay are as specified", "run terraform apply again")
	}
	return nil
}

// end drains instances and terminates them.
func (r *run) end(ctx context.Context, members []Member) error {
	for _, member := range members {
		r.ended[member.Instance.ID] = true
		if r.filled[member.Slot].Instance.ID == member.Instance.ID {
			delete(r.filled, member.Slot)
		}
	}
	return end(ctx, r.aws, r.groups(), members, r.options.Progress)
}

func end(ctx context.Context, aws AWS, groups []string, members []Member, progress report.Progress) error {
	if len(members) == 0 {
		return nil
	}
	var working []string
	for _, member := range members {
		if member.Broken == "" {
			working = append(working, member.Instance.ID)
		}
	}
	if err := drain(ctx, aws, groups, working, progress.Printf); err != nil {
		return err
	}
	progress.Printf("ending %s", instances(len(members)))
	if err := lift(ctx, aws, members); err != nil {
		return err
	}
	ids := slices.Sorted(slices.Values(idsOf(members)))
	err := aws.TerminateInstances(ctx, ids)
	if !cloud.HasCode(err, cloud.CodeNotPermitted) {
		return err
	}
	// Somebody else has protected some of them: they are the fleet's all the same. Those
	// of other zones have ended by now.
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TerminateInstances.html
	left, err := aws.Instances(ctx, cloud.InstanceQuery{IDs: ids})
	if err != nil {
		return err
	}
	ids = ids[:0]
	for _, instance := range left {
		ids = append(ids, instance.ID)
	}
	if err := aws.SetTerminationProtection(ctx, ids, false); err != nil {
		return err
	}
	return aws.TerminateInstances(ctx, ids)
}

// lift takes off the protection that the fleet itself has put on.
func lift(ctx context.Context, aws AWS, members []Member) error {
	var ids []string
	for _, member := range members {
		if strings.Contains(member.Instance.Tags[cloud.TagProtection], protectTermination) {
			ids = append(ids, member.Instance.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return aws.SetTerminationProtection(ctx, ids, false)
}

// Destroy drains and terminates every instance that carries the fleet's tags and waits
// until all are terminated. It is safe to repeat. Errors are *report.Failure.
func Destroy(ctx context.Context, aws AWS, watch Watch, progress report.Progress) error {
	name := watch.Name
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
	members := make([]Member, 0, len(found))
	for _, instance := range found {
		members = append(members, memberOf(instance))
	}
	if err := end(ctx, aws, watch.TargetGroupARNs, members, progress); err != nil {
		return fail(err)
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
