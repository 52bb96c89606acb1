package lives

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// object is one resource in a configuration, with what Terraform's state has of it.
type object struct {
	engine engine
	kind   ownership.Kind
	name   string
	// wanted is set while the configuration has it; createFirst is its lifecycle block.
	wanted, createFirst bool
	// replace is -replace, for the next apply.
	replace bool
	// current is what the state has; deposed are predecessors that are still to go.
	current *instance
	deposed []*instance
	// blocked is set when the last apply found that somebody else has the name.
	blocked bool
}

// instance is one resource object in a state.
type instance struct {
	owner   ownership.Owner
	tainted bool
	// applied is the engine's own: what was applied last, and what came of it.
	applied any
}

// engine is the image engine or the fleet engine, as the provider uses it.
type engine interface {
	// changes reports what an apply of the configuration would do to what the state has;
	// empty is nothing.
	changes(ctx context.Context, p *process, is *instance) (string, error)
	// create makes a new one; what it returns belongs into the state, also with an error.
	create(ctx context.Context, p *process, owner ownership.Owner, known func(string) bool) (*instance, error)
	update(ctx context.Context, p *process, is *instance, known func(string) bool) (*instance, error)
	destroy(ctx context.Context, p *process, is *instance, known func(string) bool) error
	holders(ctx context.Context, p *process, owner ownership.Owner) ([]ownership.Holder, error)
	// exists reports whether an error says that somebody else has the name.
	exists(err error) bool
}

// errKilled says that the process is gone: it has written nothing more into the state.
var errKilled = errors.New("killed")

// limit is how long Terraform lets an operation take.
const limit = time.Hour

// within runs one operation of an engine. When the process dies, nobody waits for it: what
// is left of it can do nothing any more.
func within[T any](ctx context.Context, w *world, p *process, do func(context.Context) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	w.zombies.Go(func() {
		limited, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		value, err := do(limited)
		done <- result{value, err}
	})
	var none T
	select {
	case <-p.died:
		return none, errKilled
	case got := <-done:
		if p.isDead() {
			return none, errKilled
		}
		return got.value, got.err
	}
}

// owners are the ids that the state has.
func (o *object) owners() []string {
	var ids []string
	for _, is := range slices.Concat([]*instance{o.current}, o.deposed) {
		if is != nil {
			ids = append(ids, is.owner.ID)
		}
	}
	return ids
}

// known is what the engine may ask of the state as it is now.
func (o *object) known() func(string) bool {
	ids := o.owners()
	return func(id string) bool { return slices.Contains(ids, id) }
}

// apply does with one object what Terraform does: nothing where the plan is empty. The
// deposed are left for dispose.
func (w *workspace) apply(ctx context.Context, p *process, o *object) error {
	is := o.current
	if is != nil && (is.tainted || o.replace) {
		return w.replace(ctx, p, o)
	}
	if is == nil {
		return w.create(ctx, p, o)
	}
	changes, err := within(ctx, w.world, p, func(ctx context.Context) (string, error) { return o.engine.changes(ctx, p, is) })
	if err != nil || changes == "" {
		return err
	}
	w.logf("%s %s is updated: %s", o.kind, o.name, changes)
	known := o.known()
	made, err := within(ctx, w.world, p, func(ctx context.Context) (*instance, error) { return o.engine.update(ctx, p, is, known) })
	if !errors.Is(err, errKilled) && made != nil {
		w.record(func() { o.current = made })
	}
	if o.engine.exists(err) {
		return w.meet(ctx, p, o, err)
	}
	return err
}

// replace destroys and creates, or the other way round.
func (w *workspace) replace(ctx context.Context, p *process, o *object) error {
	if !w.createsFirst(o) {
		if err := w.destroy(ctx, p, o, o.current); err != nil {
			return err
		}
		w.record(func() { o.current, o.replace = nil, false })
		return w.create(ctx, p, o)
	}
	before := o.current
	w.record(func() { o.current, o.deposed = nil, append(o.deposed, before) })
	err := w.create(ctx, p, o)
	w.record(func() {
		// A state that is written at the end only does not know yet that it was deposed, and
		// a create that has made nothing puts it back.
		if o.current == nil && (!errors.Is(err, errKilled) || w.luck.IntN(2) == 0) {
			o.current, o.deposed = before, slices.DeleteFunc(o.deposed, func(is *instance) bool { return is == before })
		}
		o.replace = o.current == before && o.replace && !errors.Is(err, errKilled)
	})
	return err
}

// create makes what the state does not have.
func (w *workspace) create(ctx context.Context, p *process, o *object) error {
	owner, known := w.owner(o.kind, o.name), o.known()
	w.logf("%s %s is created", o.kind, o.name)
	made, err := within(ctx, w.world, p, func(ctx context.Context) (*instance, error) { return o.engine.create(ctx, p, owner, known) })
	if !errors.Is(err, errKilled) && made != nil {
		made.tainted = err != nil
		w.record(func() { o.current = made })
	}
	if o.engine.exists(err) {
		return w.meet(ctx, p, o, err)
	}
	return err
}

// meet is what a user does about a name that is taken: nothing when it is the other
// workspace's; an import when no state knows who has it.
func (w *workspace) meet(ctx context.Context, p *process, o *object, cause error) error {
	holders, err := within(ctx, w.world, p, func(ctx context.Context) ([]ownership.Holder, error) {
		return o.engine.holders(ctx, p, w.owner(o.kind, o.name))
	})
	if err != nil {
		return err
	}
	for _, holder := range holders {
		if o.known()(holder.OwnerID) || holder.Creating {
			continue
		}
		if other := w.stateOf(holder.OwnerID); other != nil {
			w.record(func() { o.blocked = true })
			return cause
		}
		if !w.orphaned(holder.OwnerID) {
			w.fault("%s %s: %s of owner %s is in no state, and no kill at the last request of a create says why: %v",
				o.kind, o.name, holder.What, holder.OwnerID, cause)
		}
		w.logf("%s %s is imported: owner %s", o.kind, o.name, holder.OwnerID)
		w.count("imports")
		w.record(func() { o.current = &instance{owner: w.owner(o.kind, o.name).As(holder.OwnerID)} })
		return w.apply(ctx, p, o)
	}
	if len(holders) == 0 {
		w.logf("%s %s: whoever had the name is gone", o.kind, o.name)
	}
	return cause
}

// destroy removes one object that the state has.
func (w *workspace) destroy(ctx context.Context, p *process, o *object, is *instance) error {
	w.logf("%s %s is destroyed: owner %s", o.kind, o.name, is.owner.ID)
	known := o.known()
	_, err := within(ctx, w.world, p, func(ctx context.Context) (bool, error) { return true, o.engine.destroy(ctx, p, is, known) })
	return err
}

// dispose destroys predecessors.
func (w *workspace) dispose(ctx context.Context, p *process, o *object) error {
	for _, is := range slices.Clone(o.deposed) {
		if err := w.destroy(ctx, p, o, is); err != nil {
			return err
		}
		w.record(func() { o.deposed = slices.DeleteFunc(o.deposed, func(other *instance) bool { return other == is }) })
	}
	return nil
}

// remove destroys all that the state has of an object.
func (w *workspace) remove(ctx context.Context, p *process, o *object) error {
	if err := w.dispose(ctx, p, o); err != nil || o.current == nil {
		return err
	}
	if err := w.destroy(ctx, p, o, o.current); err != nil {
		return err
	}
	w.record(func() { o.current = nil })
	return nil
}
