package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// progressOf says how far a replacement is: slots that are done, of all, and which of the
// batches is under way.
type progressOf struct{ done, all, batch, batches int }

// next is the progress of the next batch, before which so many slots are done.
func (p progressOf) next(done int) progressOf {
	return progressOf{done: p.done + done, all: p.all, batch: p.batch + 1, batches: p.batches}
}

// rollOut replaces, group by group, what works but is not as specified. When that
// fails, what was touched goes back to what it was, if the spec says so.
func (r *run) rollOut(ctx context.Context) error {
	progress := progressOf{all: len(r.plan.of(Outdated)), batch: 1, batches: len(r.plan.Rollout)}
	for _, group := range r.plan.Rollout {
		err := r.stillReady(ctx)
		if err == nil {
			err = r.replaceGroup(ctx, group, progress)
		}
		if err == nil {
			err = r.soak(ctx, group)
		}
		if err != nil {
			return r.rollBack(ctx, err)
		}
		progress = progress.next(len(group.all()))
	}
	if err := r.stillReady(ctx); err != nil {
		return r.rollBack(ctx, err)
	}
	return nil
}

// stillReady sees to it that what this rollout has replaced before is as ready as it
// was: it must not go on over instances that have failed since.
func (r *run) stillReady(ctx context.Context) error {
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
	return r.rolloutFailure(slots, progressOf{}, fmt.Errorf("replaced and ready before, and not any more: %w", err), always(""))
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
	r.options.Progress.Printf("batch %d of %d: replacing %s: %s", progress.batch, progress.batches, slotRange(slots), why)
	first, disks := split(group.First)
	if err := r.findPlaces(ctx); err != nil {
		return r.rolloutFailure(slots, progress, err, always(""))
	}
	if err := r.end(ctx, oldOf(first)); err != nil {
		return r.rolloutFailure(slots, progress, err, always(""))
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
		return r.rolloutFailure(slots, progress, err, func() string { return r.discard(ctx, group, launched) })
	}
	r.replaced = slices.Concat(r.replaced, renewed, launched)
	r.options.Progress.Printf("batch %d of %d is ready: %d of %d replaced", progress.batch, progress.batches, progress.done+len(all), progress.all)
	if err := r.end(ctx, oldOf(group.Then)); err != nil {
		return r.rolloutFailure(slots, progress, err, always("their old ones still run beside the new ones"))
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

// discard ends what a failed group has launched, and says so.
func (r *run) discard(ctx context.Context, group Group, launched []Member) string {
	now := ""
	if len(group.First) > 0 {
		now = fmt.Sprintf("the old instances of %s have ended, or have a new disk; ", slotRange(slotsOf(group.First)))
	}
	if len(launched) == 0 {
		return strings.TrimSuffix(now, "; ")
	}
	fresh := "new instances"
	if len(launched) == 1 {
		fresh = "new instance"
	}
	if r.lost() {
		return now + "the " + fresh + " are left to whoever has taken over"
	}
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = afterwards(ctx)
		defer cancel()
	}
	if err := r.end(ctx, launched); err != nil {
		return now + "the " + fresh + " could not be terminated: " + err.Error()
	}
	return now + "the " + agree(len(launched), fresh+" was terminated")
}

// soak waits after the canary, and sees to it that it is still as ready as before.
func (r *run) soak(ctx context.Context, group Group) error {
	if group.Soak == 0 {
		return nil
	}
	slots := slotsOf(group.all())
	r.options.Progress.Printf("the canary (%s) must stay ready for %s", slotRange(slots), group.Soak)
	timer := time.NewTimer(group.Soak)
	defer timer.Stop()
	waiting := r.options.Progress.Wait(fmt.Sprintf("the soak of the canary, %s, to end", slotRange(slots)))
	defer waiting.End()
	waiting.Far("it takes " + group.Soak.String())
	select {
	case <-ctx.Done():
		cause := fmt.Errorf("the apply was stopped, or ran out of time, while the canary soaked: %w", ctx.Err())
		return r.rolloutFailure(slots, progressOf{}, cause, always(""))
	case <-timer.C:
	}
	// It was ready: from then on no grace excuses a check that fails.
	watched := r.spec
	watched.Health.Grace = 0
	observed, err := r.observe(ctx, watched)
	if err != nil {
		return r.rolloutFailure(slots, progressOf{}, err, always(""))
	}
	for _, slot := range slots {
		member, there := observed.Members[slot]
		if !there {
			return r.rolloutFailure([]int{slot}, progressOf{}, errors.New("the canary did not survive its soak: its instance has ended"), always(""))
		}
		if member.Broken != "" {
			cause := fmt.Errorf("the canary did not survive its soak: %s %s", memberRange([]Member{member}), member.Broken)
			if !strings.Contains(member.Broken, cloud.TargetBadAnswer) {
				cause = r.withConsole(ctx, cause, member.Instance.ID)
			}
			return r.rolloutFailure([]int{slot}, progressOf{}, cause, always(""))
		}
	}
	return nil
}

// rolloutFailure is what goes wrong while slots are replaced. It is told before undo does
// something about it, and says what.
func (r *run) rolloutFailure(slots []int, progress progressOf, cause error, undo func() string) error {
	what := slotRange(slots)
	if progress.batches > 0 {
		what = fmt.Sprintf("batch %d of %d, %s", progress.batch, progress.batches, what)
	}
	r.options.Progress.Printf("%s failed%s", what, firstLine(cause))
	next := "correct the cause and run terraform apply again"
	if errors.Is(cause, context.Canceled) {
		next = "run terraform apply again: it goes on from there"
	}
	return r.failure("was not rolled", what, cause, undo(), next+", or go back to the former configuration")
}

// always is an undo that does nothing, and says that.
func always(now string) func() string { return func() string { return now } }
