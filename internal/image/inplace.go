package image

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// updateInPlace brings the kept versions' images up to date, in all regions.
func (r *run) updateInPlace(ctx context.Context) error {
	r.plan.Adjust = adjust(r.spec, r.line, r.now())
	byRegion := map[string][]place{}
	for _, version := range r.line.Versions {
		if !slices.Contains(r.plan.Adjust, version.Number) {
			continue
		}
		for _, at := range version.places(r.aws.Name()) {
			if at.image.State != cloud.ImageAvailable {
				continue
			}
			if what, err := r.adjustImage(ctx, version, at); err != nil {
				return r.inPlaceFailure(version, what+" of "+at.String(), err)
			}
			byRegion[at.region] = append(byRegion[at.region], at)
		}
	}
	for _, number := range r.plan.Adjust {
		r.options.Progress.Printf("updating version %d in place: tags and settings", number)
	}
	for _, region := range slices.Sorted(maps.Keys(byRegion)) {
		if err := r.retag(ctx, region, byRegion[region]); err != nil {
			return r.failure("was not updated", "tags in "+region, err, r.untouched(), "run terraform apply again")
		}
	}
	return nil
}

// adjustImage makes one image as the spec says, but for its tags. what is the part
// that failed.
func (r *run) adjustImage(ctx context.Context, version Version, at place) (what string, err error) {
	aws, err := r.world().region(at.region)
	if err != nil {
		return "region", err
	}
	if at.image.Description != r.spec.Description {
		if err := aws.SetImageDescription(ctx, at.image.ID, r.spec.Description); err != nil {
			return "description", err
		}
	}
	if !r.spec.deprecated(version, at.image, r.now()) {
		if err := aws.DeprecateImage(ctx, at.image.ID, r.spec.deprecation(version, r.now())); err != nil {
			return "deprecation", err
		}
	}
	if !r.spec.Capture.IMDSAsSource && at.image.IMDSSupport != imdsRequired {
		if err := aws.RequireIMDSv2(ctx, at.image.ID); err != nil {
			return "imds_support", err
		}
	}
	return "deregistration protection", r.protect(ctx, aws, at)
}

// protect protects an image or lifts the protection, as the spec says, and writes down what
// is the provider's own doing: before it is there, and until it is gone.
func (r *run) protect(ctx context.Context, aws AWS, at place) error {
	image := at.image
	switch protected := image.Protection.Enabled(); {
	case r.spec.Capture.Protect && !protected:
		if err := aws.CreateTags(ctx, []string{image.ID}, cloud.Tags{cloud.TagProtection: protectedByUs}); err != nil {
			return err
		}
		if err := aws.ProtectImage(ctx, image.ID); err != nil {
			return err
		}
		r.line.protected(at.region, image.ID)
	case !r.spec.Capture.Protect && protected:
		if err := aws.UnprotectImage(ctx, image.ID); err != nil || image.Tags[cloud.TagProtection] == "" {
			return err
		}
		return aws.DeleteTags(ctx, []string{image.ID}, []string{cloud.TagProtection})
	}
	return nil
}

// protected keeps the observed line true after an image was protected: it may have to go in
// the same apply.
func (l Line) protected(region, imageID string) {
	const protection = "enabled-without-cooldown"
	mark := cloud.Tags{cloud.TagProtection: protectedByUs}
	for i := range l.Versions {
		version := &l.Versions[i]
		if version.ImageID == imageID {
			version.Protection, version.Tags = protection, version.Tags.With(mark)
		}
		if copied := version.Copies[region]; copied.ID == imageID {
			copied.Protection, copied.Tags = protection, copied.Tags.With(mark)
			version.Copies = with(version.Copies, region, copied)
		}
	}
}

// retagging is a set of images that need the same tags written and removed.
type retagging struct {
	images  []cloud.Image
	want    cloud.Tags
	surplus []string
}

// retag brings tags up to date. The user's tags are the same on all versions but for
// the default Name, so few calls serve all of them.
func (r *run) retag(ctx context.Context, region string, places []place) error {
	aws, err := r.world().region(region)
	if err != nil {
		return err
	}
	for _, group := range sameWants(places, r.spec) {
		var objects []string
		for _, image := range group.images {
			objects = append(append(objects, image.ID), image.SnapshotIDs()...)
		}
		// Those that go make room: EC2 takes no more than 50 at a time.
		if len(group.surplus) > 0 {
			if err := aws.DeleteTags(ctx, objects, group.surplus); err != nil {
				return err
			}
		}
		if err := aws.CreateTags(ctx, objects, group.want); err != nil {
			return err
		}
	}
	return nil
}

// sameWants groups the images whose tags differ from what is wanted.
func sameWants(places []place, spec Spec) []retagging {
	var groups []retagging
	for _, at := range places {
		have, want := at.image.Tags.UserTags(), spec.versionTags(at.image.Name)
		if maps.Equal(have, want) {
			continue
		}
		var surplus []string
		for _, key := range slices.Sorted(maps.Keys(have)) {
			if _, wanted := want[key]; !wanted {
				surplus = append(surplus, key)
			}
		}
		i := slices.IndexFunc(groups, func(g retagging) bool {
			return maps.Equal(g.want, want) && slices.Equal(g.surplus, surplus)
		})
		if i < 0 {
			groups, i = append(groups, retagging{want: want, surplus: surplus}), len(groups)
		}
		groups[i].images = append(groups[i].images, at.image)
	}
	return groups
}

func (r *run) inPlaceFailure(version Version, what string, err error) error {
	return r.failure("was not updated", fmt.Sprintf("%s, version %d, %s (%s)", what, version.Number, version.ImageID, r.aws.Name()), err,
		r.untouched(), "run terraform apply again")
}
