package image

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// observe reads the line, in all regions.
func (r *run) observe(ctx context.Context) error {
	line, err := look(ctx, r.aws, r.owner, r.options.Vouched)
	if err == nil {
		line.Leases, err = r.lease.Observe(ctx)
		line.Leases = line.withLost(line.Leases)
		line.Leases.Known = r.options.Known
	}
	if err == nil {
		line, err = r.withCopies(ctx, line)
	}
	if err != nil {
		return err
	}
	r.line, r.read = line, true
	r.temporary.Store(len(line.instances()) > 0)
	return nil
}

// observeAgain reads the line once more. Nobody but this apply works on it, so leases are
// as they were, and instances are not asked for where there were none.
func (r *run) observeAgain(ctx context.Context) error {
	read := ObserveVersions
	if r.temporary.Load() || !r.read {
		read = look
	}
	line, err := read(ctx, r.aws, r.owner, r.options.Vouched)
	if err == nil {
		line.Leases = r.line.Leases
		line, err = r.withCopies(ctx, line)
	}
	if err != nil {
		return err
	}
	r.line = line
	return nil
}

// withCopies looks for copies. A wanted region must answer, before a bake begins whose result
// could not get there. One that was taken off the configuration, and does not answer, must
// not keep everything else from being done: it is asked once, for a while.
func (r *run) withCopies(ctx context.Context, line Line) (Line, error) {
	wanted := slices.Collect(maps.Keys(r.spec.Distribute.Regions))
	query := copyQuery{further: append(wanted, r.options.Regions...), dead: r.dead, within: func(region string) time.Duration {
		if slices.Contains(wanted, region) {
			return 0
		}
		return answerWithin
	}}
	line, err := observeCopies(ctx, r.world(), r.owner, line, query)
	unreached, ok := errors.AsType[*UnreachedError](err)
	if !ok {
		return line, err
	}
	for _, region := range wanted {
		if unreached.Why[region] != nil {
			return line, err
		}
	}
	r.dead, r.leftBehind = unreached.Why, leftBehind(r.owner, unreached, r.options.Copies,
		"Once the region answers again, the next apply that changes the image removes it. By hand, list what is there and remove it:")
	return line, nil
}

// leftBehind warns of what stays in regions that do not answer. next says who removes it.
func leftBehind(owner ownership.Owner, unreached *UnreachedError, known map[string]string, next string) []report.Warning {
	var warnings []report.Warning
	for _, region := range slices.Sorted(maps.Keys(unreached.Why)) {
		what := "Copies of its versions are left there, if there were any,"
		if id := known[region]; id != "" {
			what = "At least " + id + " is left there,"
		}
		warnings = append(warnings, report.Warning{
			Summary: fmt.Sprintf("Copies of golden image %s in %s were left behind", owner.Name, region),
			Detail: fmt.Sprintf("The region did not answer: %v\n\n%s with snapshots, and costs money until it is removed. %s\n"+
				"  aws ec2 describe-images --region %[4]s --owners self --include-disabled --filters Name=tag:%[5]s,Values=%[6]s\n"+
				"  aws ec2 deregister-image --region %[4]s --delete-associated-snapshots --image-id <each id>",
				unreached.Why[region], what, next, region, cloud.TagOwner, owner.ID),
		})
	}
	return warnings
}

// readBack reads the line as it is after the run. AWS may show for a while what was
// there before, temporary instances among it, which the next plan would want to clear;
// what the run has done itself is known better.
func (r *run) readBack(ctx context.Context) error {
	known := r.line
	read, err := cloud.Poll[Line]{
		What: r.region() + " to be visible as it is",
		Read: func(ctx context.Context) (Line, string, string, error) {
			if err := r.observeAgain(ctx); err != nil {
				return Line{}, "", "", err
			}
			if !r.line.agrees(known) || len(r.line.instances()) > 0 {
				return r.line, "as it was", "", nil
			}
			return r.line, "as it is", "", nil
		},
		Pending: []string{"as it was"}, Target: []string{"as it is"},
		Most: 2 * time.Second, // a matter of seconds, with the user waiting
	}.Wait(ctx)
	r.line = read
	if err != nil {
		r.line = known
	}
	if late, ok := errors.AsType[*cloud.TimeoutError](err); ok && late.LastErr == nil {
		return nil
	}
	return err
}

// lookBack reads the line once, after a run that failed. What does not even show the
// version that is current is out of date.
func (r *run) lookBack(ctx context.Context) {
	known := r.line
	r.waitVisible(ctx)
	err := r.observeAgain(ctx)
	r.unclear = r.unclear || err != nil && !r.asked.IsZero()
	if was, is := known.Current(), r.line.Current(); err != nil || was != nil && (is == nil || is.ImageID != was.ImageID) {
		r.line = known
	}
}

// agrees reports whether both have the same versions, the same current one, and it in
// the same regions.
func (l Line) agrees(other Line) bool {
	have, want := l.Current(), other.Current()
	if have == nil || want == nil {
		return have == want
	}
	same := have.ImageID == want.ImageID && have.PromotedAt.Equal(want.PromotedAt) && len(l.Versions) == len(other.Versions)
	for _, version := range other.Versions {
		same = same && l.ByImage(version.ImageID) != nil
	}
	for region, copied := range want.Copies {
		same = same && have.Copies[region].ID == copied.ID
	}
	return same && len(have.Copies) == len(want.Copies)
}
