package lives

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// crew is the engine of a fleet, with its configuration; the image is the workspace's.
type crew struct {
	space *workspace
	wants fleet.Spec
}

// crewState is what a state has of a fleet.
type crewState struct {
	spec       fleet.Spec
	slots      map[string]int
	generation int
}

func newCrew(space *workspace, name string) *crew {
	return &crew{space: space, wants: fleet.Spec{
		Name: name, Size: 2, InstanceTypes: []string{"t3.small", "t3a.small"},
		Metadata:         cloud.MetadataOptions{Tokens: "required"},
		Health:           fleet.Health{StatusChecks: true, Grace: 5 * time.Minute},
		Rollout:          fleet.Rollout{MaxSurge: fleet.Amount{Number: 1}},
		ReplaceUnhealthy: true,
	}}
}

// spec is what is wanted, by value.
func (c *crew) spec() fleet.Spec {
	spec := c.wants
	spec.ImageID, spec.Tags = c.space.currentImage(), maps.Clone(c.wants.Tags)
	return spec
}

func (c *crew) watch(owner ownership.Owner, spec fleet.Spec, slots map[string]int) fleet.Watch {
	return fleet.Watch{Owner: owner, Health: spec.Health, TargetGroupARNs: spec.TargetGroupARNs, Slots: slots}
}

func stateOfCrew(is *instance) crewState {
	state, _ := is.applied.(crewState)
	return state
}

func (c *crew) changes(ctx context.Context, p *process, is *instance) (string, error) {
	spec, state := c.spec(), stateOfCrew(is)
	observed, err := fleet.Observe(ctx, p.region, c.watch(is.owner, spec, state.slots))
	if err != nil {
		return "", err
	}
	if is.applied != nil && !p.isDead() { // Terraform reads before it plans
		state.slots, state.generation = slotsOf(observed), max(state.generation, generationOf(observed))
		c.space.record(func() { is.applied = state })
	}
	plan := fleet.NewPlan(spec, observed)
	if is.applied != nil { // what somebody else has written stays
		plan.LeaveForeignTags(&state.spec)
	}
	if !plan.Empty() {
		return plan.String(), nil
	}
	if !reflect.DeepEqual(spec, state.spec) {
		return "what was written", nil
	}
	return "", nil
}

func (c *crew) options(owner ownership.Owner, known func(string) bool) fleet.Options {
	return fleet.Options{Owner: owner, Known: known, Progress: c.progress()}
}

func (c *crew) progress() report.Progress {
	name := c.wants.Name
	return func(line string) { c.space.logf("  %s: %s", name, line) }
}

func (c *crew) create(ctx context.Context, p *process, owner ownership.Owner, known func(string) bool) (*instance, error) {
	spec := c.spec()
	outcome, err := fleet.Apply(ctx, p.region, spec, c.options(owner, known))
	if err != nil && outcome.Observed.Empty() {
		return nil, err
	}
	return &instance{owner: outcome.Owner, applied: crewState{spec, slotsOf(outcome.Observed), generationOf(outcome.Observed)}}, err
}

func (c *crew) update(ctx context.Context, p *process, is *instance, known func(string) bool) (*instance, error) {
	spec, state := c.spec(), stateOfCrew(is)
	options := c.options(is.owner, known)
	options.Slots, options.Generation = state.slots, state.generation
	if is.applied != nil {
		options.Previous = &state.spec
	}
	outcome, err := fleet.Apply(ctx, p.region, spec, options)
	if outcome.Observed != nil {
		state.slots, state.generation = slotsOf(outcome.Observed), generationOf(outcome.Observed)
	}
	if err == nil {
		state.spec = spec
	} else if is.applied == nil {
		return nil, err // imported, and not applied yet
	}
	return &instance{owner: is.owner, tainted: is.tainted, applied: state}, err
}

func (c *crew) destroy(ctx context.Context, p *process, is *instance, known func(string) bool) error {
	state := stateOfCrew(is)
	watch := c.watch(is.owner, state.spec, state.slots)
	watch.Known = known
	_, err := fleet.Destroy(ctx, p.region, watch, c.progress())
	return err
}

func (c *crew) holders(ctx context.Context, p *process, owner ownership.Owner) ([]ownership.Holder, error) {
	return fleet.Holders(ctx, p.region, owner)
}

func (c *crew) exists(err error) bool { return errors.Is(err, fleet.ErrExists) }

// slotsOf is what a state keeps of the members.
func slotsOf(observed *fleet.Observation) map[string]int {
	slots := map[string]int{}
	for slot, member := range observed.Members {
		slots[member.Instance.ID] = slot
	}
	return slots
}

func generationOf(observed *fleet.Observation) int { return observed.Generation }
