package image

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// sharing is the value of TagShared while permissions are being changed: whatever
// comes next, they are looked at again.
const sharing = "changing"

// share puts the permissions on the version's images: what is too much is taken away,
// also when somebody has given it by hand. A version that was shared as the spec says
// is looked at only when look is set.
func (r *run) share(ctx context.Context, version Version, look bool) error {
	before, want := version.Tags[cloud.TagShared], r.spec.Distribute.digest()
	fresh := version.PromotedAt.IsZero() && before == "" && want == ""
	if fresh || before == want && !look {
		return nil
	}
	if before != want {
		if err := r.aws.CreateTags(ctx, []string{version.ImageID}, cloud.Tags{cloud.TagShared: sharing}); err != nil {
			return err
		}
	}
	var failures []error
	for _, at := range version.places(r.aws.Name()) {
		if at.image.State != cloud.ImageAvailable {
			continue
		}
		if err := r.sharePlace(ctx, at, r.spec.Distribute.Snapshots || before != want && before != ""); err != nil {
			failures = append(failures, fmt.Errorf("the permissions of %s are not as wanted: %w", at, err))
		}
	}
	if len(failures) > 0 || before == want {
		return errors.Join(failures...)
	}
	return r.aws.CreateTags(ctx, []string{version.ImageID}, cloud.Tags{cloud.TagShared: want})
}

// sharePlace makes the permissions of one image, and of its snapshots, as wanted.
func (r *run) sharePlace(ctx context.Context, at place, snapshots bool) error {
	aws, err := r.world().region(at.region)
	if err != nil {
		return err
	}
	want := r.spec.Distribute.Permissions
	have, err := aws.ImagePermissions(ctx, at.image.ID)
	if err != nil {
		return err
	}
	if err := aws.ChangeImagePermissions(ctx, at.image.ID, want.Minus(have), have.Minus(want)); err != nil {
		return err
	}
	if !snapshots {
		return nil
	}
	want = r.spec.Distribute.snapshotPermissions()
	for _, id := range at.image.SnapshotIDs() {
		have, err := aws.SnapshotPermissions(ctx, id)
		if err != nil {
			return err
		}
		if err := aws.ChangeSnapshotPermissions(ctx, id, want.Minus(have), have.Minus(want)); err != nil {
			return err
		}
	}
	return nil
}

// snapshotPermissions are those of the snapshots, which know accounts and everyone,
// but no organizations.
func (d Distribute) snapshotPermissions() cloud.Permissions {
	if !d.Snapshots {
		return cloud.Permissions{}
	}
	return cloud.Permissions{AccountIDs: d.Permissions.AccountIDs, Public: d.Permissions.Public}
}

// reshare puts changed permissions on the versions beside the current one.
func (r *run) reshare(ctx context.Context) error {
	for _, version := range r.line.Versions[min(1, len(r.line.Versions)):] {
		if err := r.share(ctx, version, false); err != nil {
			return r.inPlaceFailure(version, "permissions", err)
		}
	}
	return nil
}

// Shared is who may use the current version, as AWS has it.
type Shared struct {
	Permissions cloud.Permissions
	// Snapshots is set when the same accounts, or everyone, may use all snapshots.
	Snapshots bool
}

// ObserveShared reads who may use the version's images in the given regions, and its
// home: one request for each, and one for each snapshot when those are to be shared.
// Where the images differ, it is what is wanted without what is missing on any of
// them, and with what is too much on any.
func ObserveShared(ctx context.Context, aws AWS, in Regions, version Version, regions []string, want Distribute) (Shared, error) {
	found := Shared{Permissions: want.Permissions, Snapshots: want.Snapshots}
	version.Copies = maps.Clone(version.Copies)
	maps.DeleteFunc(version.Copies, func(region string, copied cloud.Image) bool {
		return copied.State != cloud.ImageAvailable || !slices.Contains(regions, region)
	})
	for _, at := range version.places(aws.Name()) {
		there, err := world{aws, in}.region(at.region)
		if err != nil {
			return found, err
		}
		have, err := there.ImagePermissions(ctx, at.image.ID)
		if err != nil {
			return found, err
		}
		found.Permissions = merged(found.Permissions, want.Permissions, have)
		if !want.Snapshots {
			continue
		}
		for _, id := range at.image.SnapshotIDs() {
			have, err := there.SnapshotPermissions(ctx, id)
			if err != nil {
				return found, err
			}
			found.Snapshots = found.Snapshots && have.Equal(want.snapshotPermissions())
		}
	}
	return found, nil
}

// merged takes from what was found so far what one image lacks, and adds what it has
// too much.
func merged(found, want, have cloud.Permissions) cloud.Permissions {
	lacks, extra := want.Minus(have), have.Minus(want)
	left := found.Minus(lacks)
	join := func(a, b []string) []string {
		return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
	}
	return cloud.Permissions{
		AccountIDs:             join(left.AccountIDs, extra.AccountIDs),
		OrganizationARNs:       join(left.OrganizationARNs, extra.OrganizationARNs),
		OrganizationalUnitARNs: join(left.OrganizationalUnitARNs, extra.OrganizationalUnitARNs),
		Public:                 left.Public || extra.Public,
	}
}
