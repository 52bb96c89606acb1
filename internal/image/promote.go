package image

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// markProved writes down that a candidate has passed, when there is still much to do
// before its promotion does so: an interrupted run does not prove it again.
func (r *run) markProved(ctx context.Context, candidate *Version) error {
	if len(r.spec.Distribute.missing(*candidate)) == 0 {
		return nil
	}
	tags := cloud.Tags{cloud.TagVerifiedAt: formatTime(time.Now()), cloud.TagChecks: passedChecks(r.spec, true)}
	if err := r.aws.CreateTags(ctx, []string{candidate.ImageID}, tags); err != nil {
		return r.inPlaceFailure(*candidate, "the record of the proof", err)
	}
	candidate.Tags = candidate.Tags.With(tags)
	return nil
}

// promote makes a proved version the current one, by one call that writes all of
// its tags together.
func (r *run) promote(ctx context.Context, version Version, provedNow bool) error {
	now := formatTime(r.promotionTime())
	tags := cloud.Tags{
		cloud.TagPromotedAt: now,
		cloud.TagHighest:    strconv.Itoa(max(version.Number, r.line.Next()-1)),
	}
	if provedNow || version.PromotedAt.IsZero() {
		tags[cloud.TagChecks] = passedChecks(r.spec, provedNow)
		if len(r.spec.Verify.Checks) > 0 { // without any, nobody has seen that it works
			tags[cloud.TagVerifiedAt] = now
		}
	}
	if err := r.aws.CreateTags(ctx, []string{version.ImageID}, tags); err != nil {
		return r.failure("was not promoted", fmt.Sprintf("version %d, %s (%s)", version.Number, version.ImageID, r.aws.Name()), err,
			r.untouched(), r.goOn())
	}
	r.options.Progress.Printf("version %d (%s) is current%s", version.Number, version.ImageID, r.phases.took())
	version.Tags = version.Tags.With(tags)
	version.PromotedAt, version.VerifiedAt = parseTime(now), parseTime(version.Tags[cloud.TagVerifiedAt])
	version.Checks = version.Tags[cloud.TagChecks]
	version.Highest = parseNumber(tags[cloud.TagHighest])
	r.moveToFront(version)
	return nil
}

// promotionTime is now, or just after the line's latest promotion: the latest is current,
// and clocks differ.
func (r *run) promotionTime() time.Time {
	at := time.Now()
	for _, version := range r.line.Versions {
		if next := version.PromotedAt.Add(time.Millisecond); next.After(at) {
			at = next
		}
	}
	return at
}

// moveToFront keeps the observed line true after a promotion.
func (r *run) moveToFront(version Version) {
	versions := []Version{version}
	for _, other := range r.line.Versions {
		if other.ImageID != version.ImageID {
			versions = append(versions, other)
		}
	}
	r.line.Versions = versions
	var candidates []Version
	for _, other := range r.line.Candidates {
		if other.ImageID != version.ImageID {
			candidates = append(candidates, other)
		}
	}
	r.line.Candidates = candidates
}
