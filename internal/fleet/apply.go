package fleet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// Options are the circumstances of an apply.
type Options struct {
	// Create is set when state knows nothing of the fleet yet.
	Create bool
	// Generation is the highest that state knows: instances of it may have ended since,
	// and a rollout raises it all the same.
	Generation int
	// Previous is what was wanted before, where that is known: what a failed rollout
	// goes back to, and the target groups that instances have to leave.
	Previous *Spec
	Progress report.Progress
}

// run is one apply.
type run struct {
	aws      AWS
	spec     Spec
	options  Options
	observed *Observation
	plan     Plan
	// places are where instances may be launched; read once, when needed.
	places []place
	// rootDevice is the name of the image's root device; read once, when needed.
	rootDevice string
	begun      time.Time
	// replaced are the members that were ready in the place of others.
	replaced []Member
	// filled are the instances that were launched into slots.
	filled map[int]Member
	// ended are the ids of the instances that this run has terminated.
	ended map[string]bool
}

func newRun(aws AWS, spec Spec, options Options) *run {
	return &run{aws: aws, spec: spec, options: options, begun: time.Now(), filled: map[int]Member{}, ended: map[string]bool{}}
}

// ErrExists is the cause of a create's failure when the fleet is somebody else's.
var ErrExists = errors.New("a fleet of this name is in this account and region, and this Terraform state does not know it: another configuration may own it")

// Apply makes the fleet as specified and returns what is there afterwards, also with
// an error; the observation is nil when AWS cannot be read in the first place, and when
// the fleet is somebody else's (ErrExists). Without an error it has every slot. Errors are *report.Failure. Whatever was launched
// carries the fleet's tags from its launch, so the next Apply or Destroy finds it.
func Apply(ctx context.Context, aws AWS, spec Spec, options Options) (*Observation, error) {
	r := newRun(aws, spec, options)
	err := r.apply(ctx)
	if errors.Is(err, ErrExists) {
		return nil, err
	}
	after, cancel := afterwards(ctx)
	defer cancel()
	observed, observeErr := Observe(after, aws, r.spec.watch())
	if observeErr != nil {
		return r.remembered(), errors.Join(err, r.failure("was changed, but could not be read back", "", observeErr,
			"what was launched carries the fleet's tags", "run terraform apply again"))
	}
	observed = settled(r.spec, observed)
	observed.Generation = max(observed.Generation, options.Generation)
	if err == nil {
		r.complete(observed)
	}
	return observed, err
}

// remembered is what was there and what was launched, as far as this run knows; nil
// when it could not read in the first place, and so changed nothing.
func (r *run) remembered() *Observation {
	if r.observed == nil {
		return nil
	}
	known := &Observation{
		Members: maps.Clone(r.observed.Members), Surplus: r.observed.Surplus,
		Generation: r.observed.Generation, Established: r.observed.Established, Unsure: true,
	}
	maps.Copy(known.Members, r.filled)
	return known
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
	chosen, surplus := choose(spec, observed)
	return &Observation{Members: chosen, Surplus: surplus, Generation: observed.Generation, Established: observed.Established}
}

func (r *run) apply(ctx context.Context) error {
	observed, err := Observe(ctx, r.aws, r.spec.watch())
	if err != nil {
		return r.failure("could not be read", "", err, "nothing was changed", "see AWS's message")
	}
	observed.Generation = max(observed.Generation, r.options.Generation)
	r.observed = observed
	if r.options.Create && observed.Established {
		return r.alreadyThere()
	}
	r.plan = NewPlan(r.spec, observed)
	r.options.Progress.Printf("%s", r.plan)
	if forecast := r.plan.Forecast(); forecast != "" {
		r.options.Progress.Printf("%s", forecast)
	}
	for _, act := range []func(context.Context) error{r.launchMissing, r.mend, r.rollOut, r.updateInPlace, r.endSurplus, r.establish} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

// launchMissing fills the slots that have no instance, and waits until all of the new
// ones are ready.
func (r *run) launchMissing(ctx context.Context) error {
	slots := slotsOf(r.plan.of(Missing))
	if len(slots) == 0 {
		return nil
	}
	launched, err := r.launch(ctx, slots, r.plan.NextGeneration)
	if err != nil {
		return r.failure(fmt.Sprintf("lacks %d of %d instances", len(slots)-len(launched), r.spec.Size),
			slotList(lacking(slots, launched)), err,
			r.nowAfterLaunch(len(launched), len(slots)), r.nextAfterLaunch(err, len(launched)))
	}
	if err := r.waitReady(ctx, launched); err != nil {
		failure := r.failure("has instances that are not ready", slotList(slots), err,
			"all of them were launched"+r.untouched(len(slots)), r.nextAfterWait(err))
		if len(r.plan.Rollout) > 0 {
			return r.rollBack(ctx, failure)
		}
		return failure
	}
	return nil
}

// nowAfterLaunch is what is there when not all could be launched.
func (r *run) nowAfterLaunch(launched, wanted int) string {
	now := fmt.Sprintf("%d of %d were launched and are kept", launched, wanted)
	if launched == 0 {
		now = "nothing was launched"
	}
	return now + r.untouched(wanted)
}

func (r *run) untouched(touched int) string {
	if touched == r.spec.Size {
		return ""
	}
	return "; the others of the fleet are untouched"
}

// nextAfterLaunch is what to do when not all could be launched. Terraform taints a
// resource whose create has failed, and would begin by destroying what is there.
func (r *run) nextAfterLaunch(cause error, launched int) string {
	first, more := r.aroundNext(cause)
	if r.options.Create && launched+len(r.observed.Members) > 0 {
		return first + "run terraform untaint on the fleet, so that what was launched is kept, and then terraform apply: it launches the rest" + more
	}
	return first + "run terraform apply again: it launches the rest" + more
}

// aroundNext is what to do before the next try, and what would help it, by what has
// stopped the launch.
func (r *run) aroundNext(cause error) (first, more string) {
	if advice(cause, r.spec.ImageID) != "" {
		return "", ""
	}
	switch cloud.ClassOf(cause) {
	case cloud.Capacity, cloud.Unsupported:
		return "", "; more instance_types or subnet_ids give it more places to look"
	case cloud.Addresses:
		return "", "; subnets with free addresses give it more places to look"
	case cloud.Quota:
		return "ask AWS for a higher quota, or lower size; then ", ""
	case cloud.Denied:
		return "give whoever runs Terraform the permission that is missing; then ", ""
	case cloud.Fatal:
		return "correct the cause; then ", ""
	case cloud.NotFound:
		return "see that what is missing is there, in this account and region, or name another; then ", ""
	case cloud.Throttle, cloud.InUse, cloud.Unclear: // which another try may not meet
	}
	return "", ""
}

func (r *run) nextAfterWait(cause error) string {
	switch stopped := errors.Is(cause, context.Canceled); {
	case stopped && r.options.Create:
		return "run terraform untaint on the fleet, so that they are kept, and then terraform apply: it goes on from there"
	case stopped:
		return "run terraform apply again: it goes on from there"
	case r.options.Create:
		return "see why they are not ready; then run terraform untaint on the fleet, so that the others are kept, and terraform apply: it replaces those that fail"
	}
	return "see why they are not ready (terraform plan shows which are replaced), then run terraform apply again"
}

// mend gives new instances to the slots whose old ones do not work.
func (r *run) mend(ctx context.Context) error {
	broken := r.plan.of(BrokenOne)
	progress := progressOf{all: len(broken)}
	for _, group := range r.spec.mendGroups(broken) {
		err := r.replaceGroup(ctx, group, progress)
		if failure, ok := errors.AsType[*report.Failure](err); ok {
			failure.Summary = fmt.Sprintf("Fleet %s has broken instances that were not replaced", r.spec.Name)
			failure.Next = advice(failure.Cause, r.spec.ImageID) + "correct the cause and run terraform apply again"
			if errors.Is(err, context.Canceled) {
				failure.Next = "run terraform apply again: it goes on from there"
			}
		}
		if err != nil {
			return err
		}
		progress.done += len(group.all())
	}
	return nil
}

// establish marks all instances as those of a fleet whose create has ended: one call
// for each 1,000.
func (r *run) establish(ctx context.Context) error {
	if r.observed.Established {
		return nil // what was launched now has the mark from its launch
	}
	now, err := r.aws.Instances(ctx, cloud.InstanceQuery{Tags: ownership(r.spec.Name)})
	if err != nil {
		return r.failure("could not be read back", "", err, "all instances are as specified", "run terraform apply again")
	}
	unmarked := slices.DeleteFunc(now, func(i cloud.Instance) bool { return i.Tags[cloud.TagEstablished] != "" })
	if len(unmarked) == 0 {
		return nil
	}
	ids := make([]string, 0, len(unmarked))
	for _, instance := range unmarked {
		ids = append(ids, instance.ID)
	}
	err = r.aws.CreateTags(ctx, ids, cloud.Tags{cloud.TagEstablished: "true"})
	if err == nil {
		err = r.waitTagged(ctx, ids, cloud.TagEstablished, "true")
	}
	if err != nil {
		return r.failure("could not be marked as complete", "", err, "all instances are as specified", "run terraform apply again")
	}
	return nil
}

func (r *run) alreadyThere() error {
	return &report.Failure{
		Summary: fmt.Sprintf("Fleet %s exists already", r.spec.Name),
		Subject: fmt.Sprintf("%s (%s)", instances(len(r.observed.all())), r.aws.Name()),
		Cause:   ErrExists,
		Now:     "nothing was changed",
		Next: fmt.Sprintf("if it is yours, run: terraform import stamp_fleet.<name in your configuration> %q; otherwise choose another name",
			r.spec.Name),
	}
}

// failure fills in what all failures of a fleet share.
func (r *run) failure(what, subject string, cause error, now, next string) error {
	where := "fleet " + r.spec.Name + " (" + r.aws.Name() + ")"
	if subject != "" {
		where += ", " + subject
	}
	return &report.Failure{
		Summary: fmt.Sprintf("Fleet %s %s", r.spec.Name, what),
		Subject: where, Cause: cause, Now: now, Next: advice(cause, r.spec.ImageID) + next,
	}
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
