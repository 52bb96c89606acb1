package lives

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// workspace is one Terraform configuration with its state: a line and two fleets on it.
type workspace struct {
	*world
	label string
	luck  *rand.Rand
	line  *object
	// recipe and crews are the configurations of line and fleets.
	recipe *line
	crews  []*crew
	// fleets are a and b; onBase launches them from a public image and not from the line.
	fleets []*object
	onBase bool
	// usedBefore are the images that instances ran when Terraform was last started.
	usedBefore map[string]bool
	// together applies the fleets at the same time, as Terraform does.
	together bool
}

func newWorkspace(w *world, label string, luck *rand.Rand) *workspace {
	space := &workspace{world: w, label: label, luck: luck}
	space.recipe = newLine(space)
	space.line = &object{kind: ownership.Image, name: "web", wanted: true, engine: space.recipe}
	for _, name := range []string{"a", "b"} {
		crew := newCrew(space, name)
		space.crews = append(space.crews, crew)
		space.fleets = append(space.fleets, &object{kind: ownership.Fleet, name: name, wanted: true, engine: crew})
	}
	return space
}

func (w *workspace) objects() []*object { return append([]*object{w.line}, w.fleets...) }

func (w *workspace) logf(format string, args ...any) { w.world.logf(w.label+": "+format, args...) }

// createsFirst reports whether the new one comes first. What others that do so depend on
// does so as well.
// https://developer.hashicorp.com/terraform/language/meta-arguments/lifecycle#create_before_destroy
func (w *workspace) createsFirst(o *object) bool {
	first := o.createFirst
	if o == w.line && !w.onBase {
		for _, fleet := range w.fleets {
			first = first || fleet.wanted && fleet.createFirst
		}
	}
	return first
}

// terraformApply is one run of it. The error joins those of the objects.
func (w *workspace) terraformApply(ctx context.Context, p *process) error {
	w.record(func() {
		for _, o := range w.objects() {
			o.blocked = false
		}
	})
	var failures []error
	for _, o := range w.fleets {
		if !o.wanted {
			failures = append(failures, w.remove(ctx, p, o))
		}
	}
	if !w.line.wanted {
		failures = append(failures, w.applyFleets(ctx, p))
		if errors.Join(failures...) == nil {
			failures = append(failures, w.remove(ctx, p, w.line))
		}
		return errors.Join(failures...)
	}
	err := w.apply(ctx, p, w.line)
	failures = append(failures, err)
	if err == nil || w.onBase && !errors.Is(err, errKilled) {
		failures = append(failures, w.applyFleets(ctx, p))
	}
	if errors.Join(failures...) == nil {
		failures = append(failures, w.dispose(ctx, p, w.line))
	}
	return errors.Join(failures...)
}

// applyFleets applies the fleets, which depend on the line and not on each other.
func (w *workspace) applyFleets(ctx context.Context, p *process) error {
	each := func(o *object) error {
		if !o.wanted || !w.onBase && w.currentImage() == "" {
			return nil
		}
		if err := w.apply(ctx, p, o); err != nil {
			return err
		}
		return w.dispose(ctx, p, o)
	}
	if !w.together {
		var failures []error
		for _, o := range w.fleets {
			failures = append(failures, each(o))
		}
		return errors.Join(failures...)
	}
	results := make(chan error, len(w.fleets))
	for _, o := range w.fleets {
		go func() { results <- each(o) }()
	}
	var failures []error
	for range w.fleets {
		failures = append(failures, <-results)
	}
	return errors.Join(failures...)
}

// terraformDestroy is one run of it: fleets first.
func (w *workspace) terraformDestroy(ctx context.Context, p *process) error {
	var failures []error
	for _, o := range w.fleets {
		failures = append(failures, w.remove(ctx, p, o))
	}
	if errors.Join(failures...) == nil {
		failures = append(failures, w.remove(ctx, p, w.line))
	}
	return errors.Join(failures...)
}

// owners are all that the state has.
func (w *workspace) owners() []string {
	var ids []string
	for _, o := range w.objects() {
		ids = append(ids, o.owners()...)
	}
	return ids
}

// blocked reports whether somebody else has one of the names.
func (w *workspace) blocked() bool {
	return slices.ContainsFunc(w.objects(), func(o *object) bool { return o.blocked })
}

// currentImage is what the fleets are told to launch.
func (w *workspace) currentImage() string {
	if w.onBase {
		return w.base
	}
	if w.line.current == nil {
		return ""
	}
	return stateOfLine(w.line.current).imageID
}
