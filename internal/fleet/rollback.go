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
	failure.Summary = fmt.Sprintf("The rollout of fleet %s failed", r.spec.Name)
	former := r.options.Previous
	if former == nil || !r.spec.Rollout.Rollback || ctx.Err() != nil {
		if interruptedBy(ctx, failure.Cause) {
			failure.Summary = fmt.Sprintf("The rollout of fleet %s was interrupted", r.spec.Name)
		}
		failure.Now = joined(failure.Now, r.standing())
		return failure
	}
	wanted := r.spec.ImageID
	r.options.Progress.Printf("the rollout has failed: going back to the former configuration (%s)", former.ImageID)
	observed, err := r.observe(ctx, *former)
	if err != nil {
		failure.Now = joined(failure.Now, r.standing(), "going back failed too: "+err.Error())
		return failure
	}
	back, lost := r.formerRun(*former, observed)
	if len(lost) > 0 {
		failure.Now = joined(failure.Now, slotRange(lost)+" can not go back, since what was there before is not as the state has it")
	}
	touched := len(back.plan.New)
	if touched == 0 && len(back.plan.End) == 0 {
		if len(lost) == 0 {
			r.spec = *former
			r.isBack(failure, *former)
			failure.Next = advice(failure.Cause, wanted) + "correct the cause and run terraform apply again"
		}
		return failure
	}
	if err := back.carryOut(ctx); err != nil {
		second := report.As(err, "")
		failure.Now = joined(failure.Now, fmt.Sprintf("going back failed too: %s (%s)", second.Cause, second.Now))
		return failure
	}
	if len(lost) == 0 {
		r.spec = *former
		r.isBack(failure, *former)
	} else {
		failure.Now = joined(failure.Now, slotRange(slotsOf(back.plan.New))+" went back to the former configuration")
	}
	failure.Next = advice(failure.Cause, wanted) + "correct the cause and run terraform apply again"
	return failure
}

// isBack tells, and says in the failure, that all is as it was before the rollout. Slots
// that had nothing, or something broken, still have.
func (r *run) isBack(failure *report.Failure, former Spec) {
	failure.Summary = fmt.Sprintf("The rollout of fleet %s failed and was rolled back", former.Name)
	var well []int
	for slot := range former.Size {
		if member, there := r.observed.Members[slot]; there && member.Broken == "" {
			well = append(well, slot)
		}
	}
	what := slotRange(well) + " " + agree(len(well), "runs the former configuration")
	if len(well) == former.Size && len(well) > 1 {
		what = fmt.Sprintf("all %d slots run the former configuration", len(well))
	}
	what += " (" + former.ImageID + ")"
	r.options.Progress.Printf("rolled back: %s", what)
	failure.Now = joined(what, failure.Now)
}

// joined puts what is there now together, of parts that may be empty.
func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "; ")
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
	progress := progressOf{all: len(r.plan.of(Outdated)), batch: 1, batches: len(r.plan.Rollout)}
	for _, group := range r.plan.Rollout {
		if err := r.replaceGroup(ctx, group, progress); err != nil {
			return err
		}
		progress = progress.next(len(group.all()))
	}
	return r.endSurplus(ctx)
}
