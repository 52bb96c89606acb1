package image

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// ErrExists is the cause of a create's failure when the name is somebody else's.
var ErrExists = errors.New("a golden image of this name is in this account and region, and no Terraform state that was read knows it: another configuration may own it")

// creating reports whether no state has the line yet.
func (r *run) creating() bool { return r.options.Owner.ID == "" }

// follow looks who else has the name. Owners that a state knows are followed: they go once
// this one is there. Others are refused.
func (r *run) follow(ctx context.Context) error {
	if !r.creating() {
		for _, left := range r.line.Leases.Mine(r.owner) {
			r.former = append(r.former, left.Owner.ID)
		}
		return nil
	}
	known := r.options.Known
	if unknown := slices.ContainsFunc(r.line.Others, func(id string) bool { return known == nil || !known(id) }); unknown {
		return r.alreadyThere()
	}
	r.former = r.line.Others
	if err := r.lease.Replaces(ctx, r.former); err != nil {
		return r.failure("was not changed", "", err, "nothing was changed", "run terraform apply again")
	}
	r.owner = r.lease.Owner
	r.line.owner = r.owner
	return nil
}

func (r *run) alreadyThere() error {
	var there []string
	for _, holder := range r.line.holders() {
		there = append(there, fmt.Sprintf("%s of owner %s", holder.What, holder.OwnerID))
	}
	id := r.spec.Name + "@" + r.aws.Name()
	return &report.Failure{
		Summary: fmt.Sprintf("Golden image %s exists already", r.spec.Name),
		Subject: fmt.Sprintf("%s (%s)", strings.Join(there, "; "), r.aws.Name()),
		Cause:   ErrExists,
		Now:     "nothing was changed",
		Next:    report.Import(id),
	}
}

// asCreated reports whether the plan's new version has been made already, by a create that
// is taken over.
func (r *run) asCreated() bool {
	planned, current := r.options.Planned, r.line.Current()
	return r.lease.TakenOver && current != nil && planned.ImageID == "" &&
		planned.Version == r.plan.Version && r.plan.ImageID == current.ImageID
}

// clear ends what earlier applies have left that nobody can take up: what was kept to be
// looked at, and all that creates have made which were to follow this line, and have died.
// The parameter stays, since it is about to be this line's again.
func (r *run) clear(ctx context.Context) error {
	if !r.creating() {
		for _, left := range r.line.Leases.Mine(r.owner) {
			warnings, err := clearLeft(ctx, r.world(), r.owner, left, Removal{
				Regions: r.options.Regions, StagingBucket: r.spec.Bake.StagingBucket, Progress: r.options.Progress,
			}, true)
			r.warnings = append(r.warnings, warnings...)
			if err != nil {
				return err
			}
		}
	}
	return r.removeKept(ctx)
}

// mark writes the tags again by which versions are found, where somebody has changed them.
func (r *run) mark(ctx context.Context) error {
	for _, spoilt := range r.plan.Mark {
		aws, err := r.world().region(spoilt.Region)
		if err == nil {
			err = aws.CreateTags(ctx, []string{spoilt.ImageID}, spoilt.Tags)
		}
		if err != nil {
			return err
		}
		r.options.Progress.Printf("%s has the tags again that somebody has changed", spoilt.ImageID)
	}
	return nil
}

// clearLeft removes what a dead create has made that was to follow an owner, and then its
// lease; or only the lease, when it is the owner's own.
func clearLeft(ctx context.Context, w world, owner ownership.Owner, left ownership.Left, removal Removal, keepParameter bool) ([]report.Warning, error) {
	var warnings []report.Warning
	if left.Owner.ID != owner.ID {
		if claimed, err := left.Claim(ctx, w.home); err != nil || !claimed {
			return nil, err
		}
		removal.Progress.Printf("removing what a create has left that was to replace this one and has died (owner %s)", left.Owner.ID)
		d := destruction{world: w, owner: left.Owner, removal: removal, keepParameter: keepParameter}
		err := d.run(ctx, ownership.Leases{})
		if warnings = d.warnings; err != nil {
			return warnings, fmt.Errorf("what a create has left that was to replace this one (owner %s): %w", left.Owner.ID, err)
		}
	}
	return warnings, left.Clear(ctx, w.home)
}

// notBegun says why a command has not begun: another apply is at work, or it could not say
// that it is.
func notBegun(owner ownership.Owner, what, command string, err error) error {
	failure := &report.Failure{
		Summary: fmt.Sprintf("Golden image %s %s", owner.Name, what),
		Subject: "line " + owner.Name + " (" + owner.Region + ")",
		Cause:   err, Now: "nothing was changed", Next: "run terraform " + command + " again",
	}
	switch {
	case errorIs[*ownership.HeldError](err):
		failure.Next = "wait until the other apply has ended, then run terraform " + command + " again"
	case cloud.Remedy(err) != "":
		failure.Next = cloud.Remedy(err) + ", then run terraform " + command + " again"
	}
	return failure
}

// ended is the outcome of an apply whose lease was given up, or was not.
func (r *run) ended(leaseErr, err error) error {
	if leaseErr == nil {
		return err
	}
	if failure, ok := asFailure(err); ok {
		failure.Now += "; and " + leaseErr.Error()
		return err
	}
	next := "run terraform apply again"
	if r.creating() {
		next = r.goOn()
	}
	return r.failure("was changed, but the apply could not be ended", "", leaseErr, "all work of this apply is done", next)
}
