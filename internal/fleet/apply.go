package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// Options are the circumstances of an apply.
type Options struct {
	// Create is set when state knows nothing of the fleet yet.
	Create   bool
	Progress report.Progress
}

// run is one apply.
type run struct {
	aws      AWS
	spec     Spec
	options  Options
	observed *Observation
	plan     Plan
	// subnets are where instances may be launched; read once, when needed.
	subnets []string
	// counts are the fleet's instances by subnet, without those that are about to be
	// replaced.
	counts map[string]int
}

// ErrExists is the cause of a create's failure when the fleet is somebody else's.
var ErrExists = errors.New("a fleet of this name is in this account and region, and this Terraform state does not know it: another configuration may own it")

// Apply makes the fleet as specified and returns what is there afterwards, also with
// an error; the observation is nil when AWS cannot be read, and when the fleet is
// somebody else's (ErrExists). Errors are *report.Failure. Whatever was launched carries the fleet's tags from its launch, so
// the next Apply or Destroy finds it.
func Apply(ctx context.Context, aws AWS, spec Spec, options Options) (*Observation, []report.Warning, error) {
	r := &run{aws: aws, spec: spec, options: options}
	err := r.apply(ctx)
	if errors.Is(err, ErrExists) {
		return nil, nil, err
	}
	after, cancel := afterwards(ctx)
	defer cancel()
	observed, observeErr := Observe(after, aws, spec.Name)
	if observeErr != nil {
		return r.observed, nil, errors.Join(err, r.failure("was changed, but could not be read back", "", observeErr,
			"what was launched carries the fleet's tags", "run terraform apply again"))
	}
	return settled(spec, observed), nil, err
}

// settled leaves one instance in each slot, the one that the spec prefers.
func settled(spec Spec, observed *Observation) *Observation {
	chosen, surplus := choose(spec, observed)
	return &Observation{Members: chosen, Surplus: surplus, Generation: observed.Generation, Established: observed.Established}
}

func (r *run) apply(ctx context.Context) error {
	observed, err := Observe(ctx, r.aws, r.spec.Name)
	if err != nil {
		return r.failure("could not be read", "", err, "nothing was changed", "see AWS's message")
	}
	r.observed = observed
	if r.options.Create && observed.Established {
		return r.alreadyThere()
	}
	r.counts = map[string]int{}
	for _, member := range observed.Members {
		r.counts[member.Instance.SubnetID]++
	}
	r.plan = NewPlan(r.spec, observed)
	r.options.Progress.Printf("%s", r.plan)
	for _, act := range []func(context.Context) error{r.launchMissing, r.replace, r.updateInPlace, r.end, r.establish} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

// launchMissing fills the slots that have no instance, and waits until all of the new
// ones are ready.
func (r *run) launchMissing(ctx context.Context) error {
	slots := r.slotsOf(Missing)
	if len(slots) == 0 {
		return nil
	}
	launched, err := r.launch(ctx, slots, r.plan.NextGeneration)
	if err != nil {
		return r.failure(fmt.Sprintf("lacks %d of %d instances", len(slots)-len(launched), r.spec.Size),
			slotList(lacking(slots, launched)), err,
			fmt.Sprintf("%d of %d were launched and are kept; the others of the fleet are untouched", len(launched), len(slots)), r.nextAfterLaunch())
	}
	if err := r.waitReady(ctx, launched); err != nil {
		return r.failure("has instances that are not ready", slotList(slots), err,
			"all instances were launched and are kept; the others of the fleet are untouched",
			"see why they are not ready (terraform plan shows which are replaced), then run terraform apply again")
	}
	return nil
}

// nextAfterLaunch is what to do when not all could be launched. Terraform taints a
// resource whose create has failed, and would begin by destroying what is there.
func (r *run) nextAfterLaunch() string {
	if r.options.Create {
		return "run terraform untaint on the fleet, so that what was launched is kept, and then terraform apply: it launches the rest; " +
			"more instance_types or subnet_ids give it more places to look"
	}
	return "run terraform apply again: it launches the rest; more instance_types or subnet_ids give it more places to look"
}

func lacking(slots []int, launched []Member) []int {
	return slices.DeleteFunc(slices.Clone(slots), func(slot int) bool {
		return slices.ContainsFunc(launched, func(m Member) bool { return m.Slot == slot })
	})
}

func (r *run) slotsOf(kind Kind) []int {
	var slots []int
	for _, change := range r.plan.New {
		if change.Kind == kind {
			slots = append(slots, change.Slot)
		}
	}
	return slots
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
	var unmarked []string
	for _, instance := range now {
		if instance.Tags[cloud.TagEstablished] == "" {
			unmarked = append(unmarked, instance.ID)
		}
	}
	if len(unmarked) == 0 {
		return nil
	}
	if err := r.aws.CreateTags(ctx, unmarked, cloud.Tags{cloud.TagEstablished: "true"}); err != nil {
		return r.failure("could not be marked as complete", "", err, "all instances are as specified", "run terraform apply again")
	}
	return nil
}

func (r *run) alreadyThere() error {
	return &report.Failure{
		Summary: fmt.Sprintf("Fleet %s exists already", r.spec.Name),
		Subject: fmt.Sprintf("%s (%s)", instances(len(r.observed.Members)+len(r.observed.Surplus)), r.aws.Name()),
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
		Subject: where, Cause: cause, Now: now, Next: next,
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
