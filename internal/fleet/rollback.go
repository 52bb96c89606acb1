package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"

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
	observed, err := Observe(ctx, r.aws, former.watch())
	if err != nil {
		failure.Now += "; going back failed too: " + err.Error()
		return failure
	}
	back := r.formerRun(*former, observed)
	touched := len(back.plan.New)
	if touched == 0 && len(back.plan.End) == 0 {
		r.spec = *former
		failure.Now += "; every slot has an instance of the former configuration"
		return failure
	}
	if err := back.carryOut(ctx); err != nil {
		failure.Now += fmt.Sprintf("; going back failed too: %s (%s)", report.As(err, "").Cause, report.As(err, "").Now)
		return failure
	}
	r.spec = *former
	failure.Now += fmt.Sprintf("; %s went back to the former configuration", slotList(slotsOf(back.plan.New)))
	failure.Next = advice(failure.Cause, wanted) + "correct the cause and run terraform apply again"
	return failure
}

// formerRun plans the way back: the former configuration for the slots that the
// rollout has touched or left empty, and an end to those that it has added. Slots that
// were broken or missing for other reasons are left to the next apply.
func (r *run) formerRun(former Spec, observed *Observation) *run {
	former.Rollout = r.spec.Rollout
	former.Rollout.Canary = 0
	back := &run{aws: r.aws, spec: former, options: Options{Progress: r.options.Progress, Previous: &r.spec}, observed: observed}
	plan := NewPlan(former, observed)
	before := map[int]bool{}
	for slot := range r.observed.Members {
		before[slot] = true
	}
	plan.New = slices.DeleteFunc(plan.New, func(c Change) bool {
		return c.Kind == Missing && !before[c.Slot] || c.Kind == BrokenOne && c.Old.Generation < r.plan.NextGeneration
	})
	plan.Rollout = former.groups(plan.of(Outdated), 0, 0)
	plan.Updates = nil
	back.plan = plan
	return back
}

// carryOut launches what is missing, replaces what is not as it was, and ends what is
// too much.
func (r *run) carryOut(ctx context.Context) error {
	if err := r.launchMissing(ctx); err != nil {
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
