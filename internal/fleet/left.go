package fleet

import (
	"context"
	"fmt"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// leftWords names in words what has left a lease.
func leftWords(left ownership.Left) string {
	switch {
	case left.Create && len(left.Replaces) > 0:
		return fmt.Sprintf("a create that was to replace this fleet and died (owner %s)", left.Owner.ID)
	case left.Create:
		return fmt.Sprintf("a create that has died (owner %s)", left.Owner.ID)
	default:
		return "an apply that died"
	}
}

// mark writes the tags again by which the fleet's instances are found, where somebody has
// changed them.
func (r *run) mark(ctx context.Context) error {
	if len(r.plan.Mark) == 0 {
		return nil
	}
	r.options.Progress.Printf("writing the tags of %s again, which somebody has changed", instances(len(r.plan.Mark)))
	if err := r.aws.CreateTags(ctx, r.plan.Mark, r.owner.Tags()); err != nil {
		return r.failure("has instances that would not be found again", "tags of "+firstOf(r.plan.Mark, ", "), err, "nothing else was changed", "run terraform apply again")
	}
	return nil
}

// Clears says in words what the plan does about what dead applies have left; empty when they
// have left nothing.
func (p Plan) Clears() string {
	var parts []string
	for _, left := range p.Left {
		switch {
		case !left.Create:
			parts = append(parts, "gives up the lease of an apply that died")
		case len(left.Replaces) > 0:
			parts = append(parts, fmt.Sprintf("ends all instances of a fleet of this name that was to replace this one, and that no state was told of (owner %s)", left.Owner.ID))
		default:
			parts = append(parts, fmt.Sprintf("clears what a create has left that died (owner %s)", left.Owner.ID))
		}
	}
	return strings.Join(parts, ", and ")
}

// clearLeft ends what creates have launched that were to replace this fleet and died, and
// then deletes their leases: without those, nobody would look for it. Of this fleet's own
// leases there may be that of its create, which could not be deleted.
func (r *run) clearLeft(ctx context.Context) error {
	for _, left := range r.plan.Left {
		r.options.Progress.Printf("clearing what is left of %s", leftWords(left))
		if err := r.clearOne(ctx, left); err != nil {
			return r.failure("has leftovers that were not cleared", leftWords(left), err, "nothing else was changed", "run terraform apply again")
		}
	}
	return nil
}

func (r *run) clearOne(ctx context.Context, left ownership.Left) error {
	if left.Owner.ID != r.owner.ID {
		if claimed, err := left.Claim(ctx, r.aws); err != nil || !claimed {
			return err
		}
		found, err := find(ctx, r.aws, left.Owner, nil)
		if err != nil {
			return err
		}
		if err := end(ctx, r.aws, r.groups(), membersOf(found.ours, nil), r.options.Progress); err != nil {
			return err
		}
	}
	return left.Clear(ctx, r.aws)
}
