package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// rollBack puts the former configuration back on the slots that a failed rollout has
// touched, group by group as the rollout itself. It is not tried when the user has
// stopped the apply, and not twice.
func (r *run) rollBack(ctx context.Context, cause error) error {
	failure := report.As(cause, "")
	former := r.options.Previous
	if former == nil || !r.spec.Rollout.Rollback || ctx.Err() != nil {
		failure.Now += "; what was replaced stays so"
		return failure
	}
	wanted := r.spec.ImageID
	why, _, _ := strings.Cut(failure.Cause.Error(), "\n") // without the console, which the error has
	r.options.Progress.Printf("the rollout failed (%s): going back", why)
	observed, err := r.observe(ctx, *former)
	if err != nil {
		failure.Now += "; going back failed too: " + err.Error()
		return failure
	}
	back, lost := r.formerRun(*former, observed)
	if len(lost) > 0 {
		failure.Now += fmt.Sprintf("; %s can not go back, since what was there before is not as the state has it", slotList(lost))
	}
	touched := len(back.plan.New)
	if touched == 0 && len(back.plan.End) == 0 {
		if len(lost) == 0 {
			r.spec = *former
			failure.Now += "; every slot has the instance that it had before"
		}
		return failure
	}
	if err := back.carryOut(ctx); err != nil {
		failure.Now += fmt.Sprintf("; going back failed too: %s (%s)", report.As(err, "").Cause, report.As(err, "").Now)
		return failure
	}
	if len(lost) == 0 {
		r.spec = *former
	}
	failure.Now += fmt.Sprintf("; %s went back to the former configuration", slotList(slotsOf(back.plan.New)))
	failure.Next = advice(failure.Cause, wanted) + "correct the cause and run terraform apply again"
	return failure
}

// formerRun plans the way back: the former configuration for the slots that the
// rollout has touched or left empty, and an end to those that it has added. Slots that
// were broken or missing for other reasons, and those that were not as the former
// configuration says before, are left to the next apply. The former configuration is
// what the state holds, and after an import that is not all of it: lost are the slots
// that were touched and for which it cannot be trusted.
func (r *run) formerRun(former Spec, observed *Observation) (back *run, lost []int) {
	former.Rollout = r.spec.Rollout
	former.Rollout.Canary = 0
	options := r.options
	options.Previous = &r.spec
	back = newRun(r.aws, former, options, r.lease)
	back.observed, back.filled, back.ended = observed, r.filled, r.ended
	plan := NewPlan(former, observed)
	plan.LeaveForeignTags(options.Previous)
	untouched := map[string]string{}
	for _, member := range r.observed.all() {
		untouched[member.Instance.ID] = member.ImageID
	}
	config := former.configDigest()
	plan.New = slices.DeleteFunc(plan.New, func(c Change) bool {
		before, there := r.observed.Members[c.Slot]
		image, stayed := untouched[c.Old.Instance.ID]
		switch {
		case c.Kind == Missing && !there, stayed && image == c.Old.ImageID:
			return true
		case there && former.outdatedBeyondImage(before, config) != "":
			lost = append(lost, c.Slot)
			return true
		}
		return false
	})
	for i, change := range plan.New {
		// What a new disk has broken, the old one mends, in the same instance.
		if _, stayed := untouched[change.Old.Instance.ID]; stayed && change.Old.Instance.State == cloud.InstanceRunning {
			plan.New[i].Kind, plan.New[i].RootVolume = Outdated, former.onlyImageDiffers(change.Old, config)
		}
	}
	plan.Rollout = former.groups(plan.of(Outdated), 0)
	plan.Updates = nil
	back.plan = plan
	return back, lost
}

// carryOut launches what is missing, replaces what is not as it was, and ends what is
// too much.
func (r *run) carryOut(ctx context.Context) error {
	if err := r.launchMissing(ctx); err != nil {
		return err
	}
	if err := r.endReplaced(ctx); err != nil {
		return err
	}
	if err := r.mend(ctx); err != nil {
		return err
	}
	progress := progressOf{all: len(r.plan.of(Outdated))}
	for _, group := range r.plan.Rollout {
		if err := r.replaceGroup(ctx, group, progress); err != nil {
			return err
		}
		progress.done += len(group.all())
	}
	return r.endSurplus(ctx)
}
