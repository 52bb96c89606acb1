package fleet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// Options are the circumstances of an apply.
type Options struct {
	// Owner is the fleet's. Without an id it is created, and gets one.
	Owner ownership.Owner
	// Known reports, for a create, whether an owner is in a state that has been read: a
	// fleet of that name is its predecessor, and stays beside it. Nil knows none.
	Known func(ownerID string) bool
	// Slots are the slots of instances as the state has them: see Watch. It may be nil.
	Slots map[string]int
	// Generation is the highest that state knows: instances of it may have ended since,
	// and a rollout raises it all the same.
	Generation int
	// Previous is what was wanted before, where that is known: what a failed rollout
	// goes back to, and the target groups that instances have to leave.
	Previous *Spec
	Progress report.Progress
}

// Outcome is what an apply has come to, also where it has failed.
type Outcome struct {
	// Observed is what is there afterwards; nil when AWS could not be read in the first
	// place, and when the fleet is somebody else's (ErrExists). Without an error it has
	// every slot.
	Observed *Observation
	// Owner has its id whenever anything may have been made, and belongs into the state then.
	Owner    ownership.Owner
	Warnings []report.Warning
}

// run is one apply.
type run struct {
	aws     AWS
	spec    Spec
	options Options
	owner   ownership.Owner
	lease   *ownership.Lease
	// create is set when state knew nothing of the fleet; made, once it may have anything.
	create, made bool
	observed     *Observation
	plan         Plan
	// places are where instances may be launched; read once, when needed.
	places []place
	// rootDevice is the name of the image's root device; read once, when needed.
	rootDevice string
	begun      time.Time
	// replaced are the members that were ready in the place of others.
	replaced []Member
	// booting are instances that were launched into empty slots and not waited for yet.
	booting []Member
	// filled are the instances that were launched into slots.
	filled map[int]Member
	// unheard is set when a launch was asked for whose answer nobody has heard: there may be
	// instances that are not visible yet.
	unheard bool
	// ended are the ids of the instances that this run has terminated.
	ended map[string]bool
	// asked is when EC2 was last asked to launch; unclear is set when nobody knows whether it
	// has.
	asked   time.Time
	unclear bool
}

func newRun(aws AWS, spec Spec, options Options, lease *ownership.Lease) *run {
	return &run{
		aws: aws, spec: spec, options: options, owner: lease.Owner, lease: lease,
		create: options.Owner.ID == "", made: options.Owner.ID != "" || lease.TakenOver,
		begun: time.Now(), filled: map[int]Member{}, ended: map[string]bool{},
	}
}

// Apply makes the fleet as specified and returns what is there afterwards, also with an
// error. Errors are *report.Failure. Whatever is launched carries the fleet's tags and its
// seal from its launch, so the next Apply or Destroy of the same owner finds it; that of a
// create whose process has died is found by the next create.
func Apply(ctx context.Context, aws AWS, spec Spec, options Options) (Outcome, error) {
	lease, err := ownership.Begin(ctx, aws, options.Owner, ownership.Options{Known: options.Known, Progress: options.Progress})
	if err != nil {
		return Outcome{Owner: options.Owner}, notBegun(aws, options.Owner, "apply", err)
	}
	r := newRun(aws, spec, options, lease)
	err = r.apply(lease.Context())
	if err != nil && r.lost() {
		err = lostFailure(aws, r.owner, "apply")
	}
	if lease.TakenOver && !r.lost() && (r.observed == nil || errors.Is(err, ErrExists)) {
		// Nobody has seen yet what the dead create has made, or it is not for this state.
		lease.Leave()
		return Outcome{Owner: options.Owner}, err
	}
	outcome, err := r.outcome(ctx, err)
	r.tellEnd(err)
	if err != nil && r.create && !r.lost() && outcome.Observed.Empty() && r.mayHaveMore() {
		lease.Leave()
		outcome.Owner.ID = ""
		return outcome, err
	}
	after, cancel := afterwards(ctx)
	defer cancel()
	if endErr := lease.End(after); endErr != nil {
		err = errors.Join(err, notEnded(aws, r.owner, "apply", r.create, endErr))
	}
	return outcome, err
}

// outcome reads back what is there.
func (r *run) outcome(ctx context.Context, err error) (Outcome, error) {
	outcome := Outcome{Owner: r.owner}
	if r.create && (!r.made || r.lost()) {
		// Nothing was made, or whoever has taken over goes on with it.
		outcome.Owner.ID = ""
	}
	if r.observed == nil || outcome.Owner.ID == "" {
		return outcome, err
	}
	after, cancel := afterwards(ctx)
	defer cancel()
	if err != nil {
		r.waitVisible(after)
	}
	observed, observeErr := r.observe(after, r.spec)
	if observeErr != nil {
		outcome.Observed = r.remembered()
		return outcome, errors.Join(err, r.failure("was changed, but could not be read back", "", observeErr,
			"what was launched carries the fleet's tags", "run terraform apply again"))
	}
	outcome.Observed = settled(r.spec, observed)
	outcome.Observed.Unsure = r.unheard
	outcome.Observed.Generation = max(observed.Generation, r.options.Generation)
	if err == nil {
		r.complete(outcome.Observed)
	}
	return outcome, err
}

// observe reads the fleet's instances, as a spec looks at them.
func (r *run) observe(ctx context.Context, spec Spec) (*Observation, error) {
	return observeInstances(ctx, r.aws, r.watch(spec))
}

func (r *run) watch(spec Spec) Watch {
	watch := spec.watch(r.owner)
	watch.Slots, watch.Known = r.options.Slots, r.options.Known
	return watch
}

// remembered is what was there and what was launched, as far as this run knows.
func (r *run) remembered() *Observation {
	known := *r.observed
	known.Members, known.Unsure = maps.Clone(r.observed.Members), true
	maps.Copy(known.Members, r.filled)
	return &known
}

// complete puts back slots whose instance was ready and is gone since: what was
// promised has been done, and what happened after that is for the next reading to
// tell. Instances that end may still be described; they are left out.
func (r *run) complete(observed *Observation) {
	chosen, _ := choose(r.spec, r.observed)
	maps.Copy(chosen, r.filled)
	for slot := range r.spec.Size {
		if _, there := observed.Members[slot]; !there {
			observed.Members[slot] = chosen[slot]
		}
	}
	maps.DeleteFunc(observed.Members, func(slot int, _ Member) bool { return slot >= r.spec.Size })
}

// settled leaves one instance in each slot, the one that the spec prefers.
func settled(spec Spec, observed *Observation) *Observation {
	resolved := *observed
	resolved.Members, resolved.Surplus = choose(spec, observed)
	return &resolved
}

func (r *run) apply(ctx context.Context) error {
	observed, err := observeUnder(ctx, r.aws, r.lease, r.watch(r.spec), r.options.Progress)
	switch {
	case isHeld(err):
		return notBegun(r.aws, r.owner, "apply", err)
	case err != nil:
		return r.failure("could not be read", "", err, "nothing was changed", "see AWS's message")
	}
	observed.Generation = max(observed.Generation, r.options.Generation)
	r.observed = observed
	switch {
	case r.create:
		if err := r.follow(ctx); err != nil {
			return err
		}
	case !observed.Empty():
		observed.lookForLost(r.watch(r.spec))
	}
	r.plan = NewPlan(r.spec, observed)
	r.plan.LeaveForeignTags(r.options.Previous)
	r.tellPlan()
	r.made = true
	for _, act := range []func(context.Context) error{r.clearLeft, r.mark, r.launchMissing, r.endReplaced, r.mend, r.rollOut, r.updateInPlace, r.endSurplus} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

// launchMissing fills the slots that have no instance, and waits until all of the new
// ones are ready. Where others are broken, these boot while the first of those are replaced:
// what is missing leaves room for them within the size.
func (r *run) launchMissing(ctx context.Context) error {
	slots := slotsOf(r.plan.of(Missing))
	if len(slots) == 0 {
		return nil
	}
	launched, err := r.launch(ctx, slots, r.plan.NextGeneration)
	if err != nil {
		return r.failure(fmt.Sprintf("lacks %d of %d instances", len(slots)-len(launched), r.spec.Size),
			slotRange(lacking(slots, launched)), err,
			r.nowAfterLaunch(len(launched), len(slots)), r.nextAfterLaunch(err, len(launched)))
	}
	r.booting = launched
	if len(r.plan.of(BrokenOne)) > 0 && len(r.plan.Rollout) == 0 {
		return nil
	}
	return r.waitBooting(ctx)
}

// waitBooting waits for what was launched into empty slots.
func (r *run) waitBooting(ctx context.Context) error {
	launched := r.booting
	r.booting = nil
	if err := r.waitReady(ctx, launched); err != nil {
		var slots []int
		for _, member := range launched {
			slots = append(slots, member.Slot)
		}
		failure := r.failure("has instances that are not ready", slotRange(slots), err,
			"all of them were launched"+r.untouched(len(slots)), r.nextAfterWait(err))
		if len(r.plan.Rollout) > 0 {
			return r.rollBack(ctx, failure)
		}
		return failure
	}
	return nil
}

// mend gives new instances to the slots whose old ones do not work.
func (r *run) mend(ctx context.Context) error {
	broken := r.plan.of(BrokenOne)
	groups := r.spec.mendGroups(broken)
	progress := progressOf{all: len(broken), batch: 1, batches: len(groups)}
	for _, group := range groups {
		err := r.replaceGroup(ctx, group, progress)
		if failure, ok := errors.AsType[*report.Failure](err); ok {
			failure.Summary = fmt.Sprintf("Fleet %s has broken instances that were not replaced", r.spec.Name)
			failure.Now = joined(failure.Now, "the others of the fleet are untouched")
			failure.Next = advice(failure.Cause, r.spec.ImageID) + "correct the cause and run terraform apply again"
			if errors.Is(err, context.Canceled) {
				failure.Next = "run terraform apply again: it goes on from there"
			}
		}
		if err == nil {
			err = r.waitBooting(ctx)
		}
		if err != nil {
			return err
		}
		progress = progress.next(len(group.all()))
	}
	return nil
}

// afterwardsLimit is how long cleaning up and reading back may take once the caller
// has given up.
const afterwardsLimit = 2 * time.Minute

// afterwards is a context for what must still be done when the caller's has ended.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), afterwardsLimit)
}

// instances is a number of instances in words.
func instances(count int) string {
	if count == 1 {
		return "1 instance"
	}
	return fmt.Sprintf("%d instances", count)
}

func idsOf(members []Member) []string {
	ids := make([]string, 0, len(members))
	for _, member := range members {
		ids = append(ids, member.Instance.ID)
	}
	return ids
}
