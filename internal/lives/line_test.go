package lives

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// line is the engine of a golden image, with its configuration.
type line struct {
	space *workspace
	wants image.Spec
}

// lineState is what a state has of a line.
type lineState struct {
	spec    image.Spec
	imageID string
}

func newLine(space *workspace) *line {
	return &line{space: space, wants: image.Spec{
		Name: "web",
		Bake: image.Bake{
			Steps:   []guest.Step{{Name: "install", Script: "a"}},
			CleanUp: guest.CleanUp{HostKeys: true, MachineID: true, CloudInit: true, Logs: true, Histories: true},
		},
		Verify:     image.Verify{Checks: []guest.Check{{Name: "ok", Script: "true"}}, FreshInstance: true},
		Capture:    image.Capture{RetainVersions: 2},
		Distribute: image.Distribute{Regions: map[string]string{}},
	}}
}

// spec is what is wanted, by value.
func (l *line) spec() image.Spec {
	spec := l.wants
	spec.Source = image.Source{ImageID: l.space.base}
	spec.Bake.Steps = slices.Clone(spec.Bake.Steps)
	spec.Tags = maps.Clone(spec.Tags)
	spec.Distribute.Regions = maps.Clone(spec.Distribute.Regions)
	spec.Distribute.Permissions.AccountIDs = slices.Clone(spec.Distribute.Permissions.AccountIDs)
	return spec
}

func stateOfLine(is *instance) lineState {
	state, _ := is.applied.(lineState)
	return state
}

func (l *line) regions(state lineState) []string {
	all := slices.Concat(slices.Collect(maps.Keys(l.wants.Distribute.Regions)), slices.Collect(maps.Keys(state.spec.Distribute.Regions)))
	slices.Sort(all)
	return slices.Compact(all)
}

// observe reads the line with its copies.
func (l *line) observe(ctx context.Context, p *process, is *instance) (image.Line, error) {
	found, err := image.Observe(ctx, p.region, is.owner, nil)
	if err != nil {
		return found, err
	}
	return image.ObserveCopies(ctx, p.region, p.in, is.owner, found, l.regions(stateOfLine(is)))
}

func (l *line) changes(ctx context.Context, p *process, is *instance) (string, error) {
	spec := l.spec()
	found, err := l.observe(ctx, p, is)
	if err != nil {
		return "", err
	}
	if current := found.Current(); current != nil && is.applied != nil && !p.isDead() {
		// Terraform reads before it plans.
		state := stateOfLine(is)
		state.imageID = current.ImageID
		l.space.record(func() { is.applied = state })
	}
	recipe := spec.ResolveRecipe(l.space.base, false, found)
	plan, err := image.NewPlan(spec, recipe, nil, found, time.Now())
	if err != nil {
		return "", err
	}
	plan.Retire = nil // alone it is no reason: what is in use stays
	if !plan.Empty() {
		return plan.String(), nil
	}
	return l.drift(ctx, p, is, spec, *found.Current())
}

// drift is what a read puts into the state besides what the engine's plan sees.
func (l *line) drift(ctx context.Context, p *process, is *instance, spec image.Spec, current image.Version) (string, error) {
	if !reflect.DeepEqual(spec, stateOfLine(is).spec) {
		return "what was written", nil
	}
	shared, err := image.ObserveShared(ctx, p.region, p.in, current, slices.Collect(maps.Keys(spec.Distribute.Regions)), spec.Distribute)
	if err != nil {
		return "", err
	}
	if !shared.Permissions.Equal(spec.Distribute.Permissions) || shared.Snapshots != spec.Distribute.Snapshots {
		return "permissions", nil
	}
	if name := spec.Distribute.Parameter; name != "" {
		value, err := p.region.Parameter(ctx, name)
		if err != nil && !cloud.HasCode(err, cloud.CodeParameterNotFound) {
			return "", err
		}
		if value != current.ImageID {
			return "parameter", nil
		}
	}
	return "", nil
}

func (l *line) options(p *process, owner ownership.Owner, known func(string) bool) image.Options {
	return image.Options{Owner: owner, Known: known, SourceImageID: l.space.base, In: p.in, Progress: l.progress()}
}

func (l *line) progress() report.Progress {
	return func(line string) { l.space.logf("  web: %s", line) }
}

func (l *line) create(ctx context.Context, p *process, owner ownership.Owner, known func(string) bool) (*instance, error) {
	spec := l.spec()
	result, err := image.Apply(ctx, p.region, spec, l.options(p, owner, known))
	if err != nil && result.Line.Empty() {
		return nil, err
	}
	return &instance{owner: result.Owner, applied: stateAfter(result, spec)}, err
}

func (l *line) update(ctx context.Context, p *process, is *instance, known func(string) bool) (*instance, error) {
	spec, state := l.spec(), stateOfLine(is)
	options := l.options(p, is.owner, known)
	options.Regions = l.regions(state)
	result, err := image.Apply(ctx, p.region, spec, options)
	switch {
	case err == nil:
		return &instance{owner: is.owner, tainted: is.tainted, applied: stateAfter(result, spec)}, nil
	case is.applied == nil:
		return nil, err // imported, and not applied yet
	case result.Line.Current() != nil:
		state.imageID = result.Line.Current().ImageID
	}
	return &instance{owner: is.owner, tainted: is.tainted, applied: state}, err
}

func stateAfter(result image.Result, spec image.Spec) lineState {
	state := lineState{spec: spec}
	if current := result.Line.Current(); current != nil {
		state.imageID = current.ImageID
	}
	return state
}

func (l *line) destroy(ctx context.Context, p *process, is *instance, _ func(string) bool) error {
	state := stateOfLine(is)
	_, err := image.Destroy(ctx, p.region, is.owner, image.Removal{
		In: p.in, Regions: l.regions(state), Parameter: state.spec.Distribute.Parameter, Progress: l.progress(),
	})
	return err
}

func (l *line) holders(ctx context.Context, p *process, owner ownership.Owner) ([]ownership.Holder, error) {
	return image.Holders(ctx, p.region, owner)
}

// exists is also for a line that has nothing any more, but its state, where the other
// workspace has the parameter by now.
func (l *line) exists(err error) bool {
	_, taken := errors.AsType[*image.ParameterTakenError](err)
	return taken || errors.Is(err, image.ErrExists)
}
