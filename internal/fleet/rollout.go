package fleet

import (
	"context"
	"fmt"
	"slices"
)

// replace gives new instances to the slots whose old ones are broken, and then, in
// batches, to those whose old ones are outdated: new before old.
func (r *run) replace(ctx context.Context) error {
	for _, kind := range []Kind{BrokenOne, Outdated} {
		changes := slices.DeleteFunc(slices.Clone(r.plan.New), func(c Change) bool { return c.Kind != kind })
		done := 0
		for group := range slices.Chunk(changes, r.surge()) {
			if err := r.replaceGroup(ctx, group, done, len(changes)); err != nil {
				return err
			}
			done += len(group)
		}
	}
	return nil
}

// surge is how many instances a rollout may have beyond the fleet's size: a tenth,
// at least one.
func (r *run) surge() int { return max(1, r.spec.Size/10) }

// replaceGroup launches new instances, waits until they are ready and ends the old
// ones. When that fails, the new ones of the group are ended and the old ones stay.
func (r *run) replaceGroup(ctx context.Context, group []Change, done, all int) error {
	var slots []int
	var old []string
	for _, change := range group {
		slots = append(slots, change.Slot)
		old = append(old, change.Old)
		r.counts[change.Subnet]--
	}
	r.options.Progress.Printf("replacing %s (%d of %d): %s", slotList(slots), done+len(group), all, group[0].Reason)
	launched, err := r.launch(ctx, slots, r.plan.NextGeneration)
	if err == nil {
		err = r.waitReady(ctx, launched)
	}
	if err != nil {
		for _, change := range group {
			r.counts[change.Subnet]++
		}
		return r.rollBack(ctx, slots, launched, done, all, err)
	}
	if err := r.aws.TerminateInstances(ctx, old); err != nil {
		return r.failure("was not rolled altogether", slotList(slots), err,
			fmt.Sprintf("%d of %d slots have new instances; the old ones of these slots still run beside the new ones", done+len(group), all),
			"run terraform apply again: it ends the old ones and goes on")
	}
	return nil
}

func (r *run) rollBack(ctx context.Context, slots []int, launched []Member, done, all int, cause error) error {
	now := fmt.Sprintf("the old instances of %s run as before", slotList(slots))
	if done > 0 {
		now += fmt.Sprintf("; %d of %d slots have new instances already", done, all)
	}
	after, cancel := afterwards(ctx)
	defer cancel()
	if len(launched) > 0 {
		if err := r.aws.TerminateInstances(after, idsOf(launched)); err != nil {
			now += "; their new ones could not be terminated: " + err.Error()
		} else {
			now += "; their new ones were terminated"
		}
	}
	return r.failure("was not rolled", slotList(slots), cause, now,
		"correct the cause and run terraform apply again, or go back to the former configuration")
}
