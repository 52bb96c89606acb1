package image

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// capture makes the candidate's AMI from the stopped builder.
func (r *run) capture(ctx context.Context, builder cloud.Instance, identity guest.Identity) (*Version, error) {
	name := AMIName(r.spec.Name, r.plan.Version, r.plan.Fingerprint)
	imageID, err := r.createImage(ctx, cloud.Capture{
		InstanceID:  builder.ID,
		Name:        name,
		Description: r.spec.Description,
		Tags:        r.candidateTags(name, builder.ID, identity),

		KeepOnTermination: r.spec.Bake.KeepOnTermination,
	})
	if err != nil {
		return nil, r.abandon(ctx, builder, "was not captured", err)
	}
	r.options.Progress.Printf("capturing %s as %s (%s)", builder.ID, name, imageID)
	return &Version{Number: r.plan.Version, ImageID: imageID, ImageName: name, Fingerprint: r.plan.Fingerprint}, nil
}

// createImage captures once. The name is the client token that CreateImage does not have:
// a call whose answer got lost is repeated, and a name that is taken is looked up.
func (r *run) createImage(ctx context.Context, capture cloud.Capture) (imageID string, err error) {
	for range 1 + unclearAnswers {
		imageID, err = r.aws.CreateImage(ctx, capture)
		r.note(ctx, err)
		if cloud.HasCode(err, cloud.CodeImageNameTaken) {
			return r.findCaptured(ctx, capture, err)
		}
		if err == nil || cloud.ClassOf(err) != cloud.Unclear || ctx.Err() != nil {
			break
		}
	}
	return imageID, err
}

// nameVisible is how long an image whose name is taken may stay out of sight.
const nameVisible = 2 * time.Minute

// findCaptured looks up what an earlier call has made, whose answer got lost. It may take
// a while to be seen.
func (r *run) findCaptured(ctx context.Context, capture cloud.Capture, cause error) (string, error) {
	limited, cancel := context.WithTimeout(ctx, nameVisible)
	defer cancel()
	found, err := cloud.Poll[cloud.Image]{
		What: fmt.Sprintf("image %s (%s) to be visible", capture.Name, r.aws.Name()),
		Read: func(ctx context.Context) (cloud.Image, string, string, error) {
			images, err := r.aws.Images(ctx, cloud.ImageQuery{
				Owners: []string{"self"}, Filters: map[string][]string{"name": {capture.Name}}, IncludeDisabled: true,
			})
			if err != nil || len(images) == 0 {
				return cloud.Image{}, "out of sight", "", err
			}
			return images[0], "visible", "", nil
		},
		Pending: []string{"out of sight"},
		Target:  []string{"visible"},
	}.Wait(limited)
	if err != nil {
		return "", errors.Join(cause, err)
	}
	why := r.owner.Captured(found, capture.Name)
	if why == "" && (!r.owner.Claimed(found.Tags) || found.SourceInstanceID != capture.InstanceID) {
		why = "was not captured from " + capture.InstanceID + " by this line"
	}
	if why != "" {
		return "", fmt.Errorf("%w; the image %s has that name, but %s", cause, found.ID, why)
	}
	return found.ID, nil
}

// candidateTags go with the call that makes image and snapshots: a candidate is
// known as ours, and as unproven, from its first moment.
func (r *run) candidateTags(name, builderID string, identity guest.Identity) cloud.Tags {
	tags := r.spec.versionTags(name).With(r.owner.Tags())
	tags[cloud.TagRole] = cloud.RoleVersion
	tags[cloud.TagBuilder] = builderID
	tags[cloud.TagVersion] = strconv.Itoa(r.plan.Version)
	tags[cloud.TagFingerprint] = r.plan.Fingerprint
	tags[cloud.TagSource] = r.recipe.Source
	tags[cloud.TagChecks] = r.spec.ChecksDigest()
	if text := identity.String(); text != "" {
		tags[cloud.TagIdentity] = text
	}
	if len(r.spec.Distribute.Regions) > 0 {
		tags = tags.With(regionTags(slices.Collect(maps.Keys(r.spec.Distribute.Regions))))
	}
	return tags
}

// waitCandidate waits until the candidate is available, makes IMDSv2 its default,
// and ends the builders, which are no longer needed.
func (r *run) waitCandidate(ctx context.Context, candidate Version) (Version, error) {
	defer r.phases.during("capture")()
	snapshots := r.snapshotting(r.aws, r.owner.Tags().With(cloud.Tags{cloud.TagFingerprint: candidate.Fingerprint}))
	image, err := cloud.Poll[cloud.Image]{
		Most: attentive,
		What: fmt.Sprintf("image %s (%s) to be available", candidate.ImageID, r.aws.Name()),
		Read: func(ctx context.Context) (cloud.Image, string, string, error) {
			snapshots.ask(ctx)
			images, err := r.aws.Images(ctx, cloud.ImageQuery{IDs: []string{candidate.ImageID}})
			switch {
			case cloud.ClassOf(err) == cloud.NotFound:
				return cloud.Image{}, cloud.ImagePending, "", nil
			case err != nil:
				return cloud.Image{}, "", "", err
			case len(images) == 0:
				return cloud.Image{}, cloud.ImagePending, "", nil
			}
			return images[0], images[0].State, images[0].StateReason, nil
		},
		Pending: []string{cloud.ImagePending},
		Target:  []string{cloud.ImageAvailable},
		Failed:  []string{cloud.ImageFailed, cloud.ImageError, cloud.ImageInvalid, cloud.ImageDeregistered},

		Progress: r.options.Progress, Far: snapshots.far,
	}.Wait(ctx)
	if err != nil {
		return candidate, r.reject(ctx, candidate, "was not captured", "image "+candidate.ImageID+" ("+r.aws.Name()+")", err)
	}
	r.options.Progress.Printf("%s is captured", image.ID)
	if !r.spec.Capture.IMDSAsSource && image.IMDSSupport != imdsRequired {
		if err := r.aws.RequireIMDSv2(ctx, image.ID); err != nil {
			return candidate, r.reject(ctx, candidate, "was not captured", "image "+image.ID+" ("+r.aws.Name()+")", err)
		}
		image.IMDSSupport = imdsRequired
	}
	if err := r.endTemporary(ctx, cloud.RoleBuilder); err != nil {
		r.warn("A builder of golden image "+r.spec.Name+" could not be terminated", err)
	}
	captured := versionOf(r.spec.Name, image)
	captured.Copies = candidate.Copies
	return captured, nil
}

// reject removes a candidate that will not be a version, with everything temporary.
// When the user has stopped the apply it is left: the next apply takes it up.
func (r *run) reject(ctx context.Context, candidate Version, what, subject string, cause error) error {
	if interrupted(ctx) {
		return r.failure(what, subject, cause,
			fmt.Sprintf("%s; the unproven image %s is left", r.untouched(), candidate.ImageID),
			r.goOn())
	}
	after, cancel := afterwards(ctx)
	defer cancel()
	now := fmt.Sprintf("%s; the unproven image %s was removed", r.untouched(), candidate.ImageID)
	if err := r.removeRejected(after, candidate); err != nil {
		now = fmt.Sprintf("%s; the unproven image %s could not be removed altogether: %v", r.untouched(), candidate.ImageID, err)
	}
	return r.failure(what, subject, cause, now, nextAfter(cause))
}

func (r *run) removeRejected(ctx context.Context, candidate Version) error {
	if err := r.observeAgain(ctx); err != nil {
		return err
	}
	if err := r.endAll(ctx, ids(r.line.instances())); err != nil {
		return err
	}
	for _, found := range r.line.Candidates {
		if found.ImageID == candidate.ImageID {
			candidate = found
		}
	}
	if err := removeVersion(ctx, r.world(), candidate); err != nil {
		return err
	}
	r.begun.Store(false)
	return nil
}
