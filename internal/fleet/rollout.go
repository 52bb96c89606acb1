package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// progressOf says how far a replacement is.
type progressOf struct{ done, all int }

// rollOut replaces, group by group, what works but is not as specified. When that
// fails, what was touched goes back to what it was, if the spec says so.
func (r *run) rollOut(ctx context.Context) error {
	progress := progressOf{all: len(r.plan.of(Outdated))}
	for _, group := range r.plan.Rollout {
		err := r.stillReady(ctx, progress)
		if err == nil {
			err = r.replaceGroup(ctx, group, progress)
		}
		if err == nil {
			err = r.soak(ctx, group)
		}
		if err != nil {
			return r.rollBack(ctx, err)
		}
		progress.done += len(group.all())
	}
	if err := r.stillReady(ctx, progress); err != nil {
		return r.rollBack(ctx, err)
	}
	return nil
}

// stillReady sees to it that what this rollout has replaced before is as ready as it
// was: it must not go on over instances that have failed since.
func (r *run) stillReady(ctx context.Context, progress progressOf) error {
	wait := r.waitFor(r.replaced)
	for id, member := range wait.waiting {
		member.since = time.Time{} // it was ready: no grace excuses a check that fails
		wait.waiting[id], wait.registered[id] = member, true
	}
	err := wait.until(ctx)
	if err == nil {
		return nil
	}
	var slots []int
	for _, member := range wait.waiting {
		slots = append(slots, member.Slot)
	}
	slices.Sort(slots)
	return r.rolloutFailure(slots, progress, fmt.Errorf("replaced and ready before, and not any more: %w", err), "the next ones were not touched")
}

// replaceGroup ends the first old ones, launches all new ones and waits until they are
// ready, and then ends the other old ones. When that fails, the new ones of the group
// are ended; old ones that are still there stay.
func (r *run) replaceGroup(ctx context.Context, group Group, progress progressOf) error {
	all := group.all()
	slots := slotsOf(all)
	why := all[0].Reason
	if all[0].Kind == BrokenOne {
		why = all[0].Old.Instance.ID + " " + why
	}
	r.options.Progress.Printf("replacing %s (%d of %d): %s", slotList(slots), progress.done+len(all), progress.all, why)
	first, disks := split(group.First)
	if err := r.findPlaces(ctx); err != nil {
		return r.rolloutFailure(slots, progress, err, "nothing of them was touched")
	}
	if err := r.end(ctx, oldOf(first)); err != nil {
		return r.rolloutFailure(slots, progress, err, "no new instance was launched for them")
	}
	fresh := slices.Concat(first, group.Then)
	r.leave(fresh, 1)
	launched, err := r.launch(ctx, slotsOf(fresh), r.plan.NextGeneration)
	var renewed []Member
	if err == nil {
		renewed, err = r.renewDisks(ctx, disks)
	}
	if err == nil {
		err = r.waitReady(ctx, append(renewed, launched...))
	}
	if err != nil {
		r.leave(fresh, -1)
		return r.rolloutFailure(slots, progress, err, r.discard(ctx, group, launched))
	}
	r.replaced = slices.Concat(r.replaced, renewed, launched)
	if err := r.end(ctx, oldOf(group.Then)); err != nil {
		return r.rolloutFailure(slots, progress, err, "their old ones still run beside the new ones")
	}
	return nil
}

// split parts changes that replace the instance from those that replace its disk.
func split(changes []Change) (replaced, disks []Change) {
	for _, change := range changes {
		if change.RootVolume {
			disks = append(disks, change)
		} else {
			replaced = append(replaced, change)
		}
	}
	return replaced, disks
}

// oldOf are the members that changes replace.
func oldOf(changes []Change) []Member {
	var members []Member
	for _, change := range changes {
		if change.Old.Instance.ID != "" {
			members = append(members, change.Old)
		}
	}
	return members
}

// discard ends what a failed group has launched, and says what is there.
func (r *run) discard(ctx context.Context, group Group, launched []Member) string {
	now := "the old ones that were not ended run as before"
	if len(group.First) > 0 {
		now = fmt.Sprintf("the old ones of %s have ended or have a new disk; the others run as before", slotList(slotsOf(group.First)))
	}
	if len(launched) == 0 {
		return now
	}
	if r.lost() {
		return now + "; their new ones are left to whoever has taken over"
	}
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = afterwards(ctx)
		defer cancel()
	}
	if err := r.end(ctx, launched); err != nil {
		return now + "; their new ones could not be terminated: " + err.Error()
	}
	return now + "; their new ones were terminated"
}

// soak waits after the canary, and sees to it that it is still as ready as before.
func (r *run) soak(ctx context.Context, group Group) error {
	if group.Soak == 0 {
		return nil
	}
	slots := slotsOf(group.all())
	r.options.Progress.Printf("the canary (%s) must stay ready for %s", slotList(slots), group.Soak)
	timer := time.NewTimer(group.Soak)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		cause := fmt.Errorf("the apply was stopped, or ran out of time, while the canary soaked: %w", ctx.Err())
		return r.rolloutFailure(slots, progressOf{}, cause, "they are replaced and were ready")
	case <-timer.C:
	}
	// It was ready: from then on no grace excuses a check that fails.
	watched := r.spec
	watched.Health.Grace = 0
	observed, err := r.observe(ctx, watched)
	if err != nil {
		return r.rolloutFailure(slots, progressOf{}, err, "they are replaced and were ready")
	}
	for _, slot := range slots {
		member, there := observed.Members[slot]
		if !there {
			return r.rolloutFailure([]int{slot}, progressOf{}, errors.New("the canary did not survive its soak: its instance has ended"), "it has no instance")
		}
		if member.Broken != "" {
			cause := r.withConsole(ctx, fmt.Errorf("the canary did not survive its soak: %s %s", member.Instance.ID, member.Broken), member.Instance.ID)
			return r.rolloutFailure([]int{slot}, progressOf{}, cause, "the one that it replaced has ended")
		}
	}
	return nil
}

// rolloutFailure is what goes wrong while slots are replaced.
func (r *run) rolloutFailure(slots []int, progress progressOf, cause error, now string) error {
	if progress.done > 0 {
		now += fmt.Sprintf("; %d of %d slots have been replaced before", progress.done, progress.all)
	}
	next := "correct the cause and run terraform apply again"
	if errors.Is(cause, context.Canceled) {
		next = "run terraform apply again: it goes on from there"
	}
	return r.failure("was not rolled", slotList(slots), cause, now, next+", or go back to the former configuration")
}
