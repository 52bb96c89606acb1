package image

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// updateInPlace brings tags and description of the kept versions up to date. The
// user's tags are the same on all versions but for the default Name, so one call
// serves all of them.
func (r *run) updateInPlace(ctx context.Context) error {
	var differ []Version
	for _, version := range r.line.Versions {
		if slices.Contains(r.plan.Retag, version.Number) {
			differ = append(differ, version)
		}
	}
	for _, version := range differ {
		if version.Description == r.spec.Description {
			continue
		}
		if err := r.aws.SetImageDescription(ctx, version.ImageID, r.spec.Description); err != nil {
			return r.inPlaceFailure(version, "description", err)
		}
	}
	for _, group := range sameWants(differ, r.spec) {
		if err := r.retagGroup(ctx, group); err != nil {
			return r.inPlaceFailure(group.versions[0], "tags", err)
		}
	}
	return nil
}

// retagging is a set of versions that need the same tags written and removed.
type retagging struct {
	versions []Version
	want     cloud.Tags
	surplus  []string
}

func sameWants(versions []Version, spec Spec) []retagging {
	var groups []retagging
	for _, version := range versions {
		have, want := version.Tags.UserTags(), spec.versionTags(version.ImageName)
		var surplus []string
		for _, key := range slices.Sorted(maps.Keys(have)) {
			if _, wanted := want[key]; !wanted {
				surplus = append(surplus, key)
			}
		}
		at := slices.IndexFunc(groups, func(g retagging) bool {
			return maps.Equal(g.want, want) && slices.Equal(g.surplus, surplus)
		})
		if at < 0 {
			groups, at = append(groups, retagging{want: want, surplus: surplus}), len(groups)
		}
		groups[at].versions = append(groups[at].versions, version)
	}
	return groups
}

func (r *run) retagGroup(ctx context.Context, group retagging) error {
	var objects []string
	for _, version := range group.versions {
		objects = append(append(objects, version.ImageID), version.SnapshotIDs...)
	}
	if err := r.aws.CreateTags(ctx, objects, group.want); err != nil {
		return err
	}
	if len(group.surplus) == 0 {
		return nil
	}
	return r.aws.DeleteTags(ctx, objects, group.surplus)
}

func (r *run) inPlaceFailure(version Version, what string, err error) error {
	return r.failure("was not updated", fmt.Sprintf("%s of version %d, %s (%s)", what, version.Number, version.ImageID, r.aws.Name()), err,
		r.untouched(), "run terraform apply again")
}
