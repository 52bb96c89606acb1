package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// distribute hands the version out: a copy to each region that lacks one, all at
// once, and then the permissions. What came through stays when the rest fails.
func (r *run) distribute(ctx context.Context, version *Version) error {
	err := r.copyEverywhere(ctx, version)
	if shareErr := r.share(ctx, *version, true); shareErr != nil {
		err = errors.Join(err, shareErr)
	}
	if err == nil {
		return nil
	}
	var there []string
	for _, at := range version.places(r.aws.Name()) {
		if at.image.State == cloud.ImageAvailable {
			there = append(there, at.String())
		}
	}
	now := fmt.Sprintf("version %d is in %s", version.Number, strings.Join(there, ", "))
	if current := r.line.Current(); current != nil && current.ImageID != version.ImageID {
		now = r.untouched() + "; " + now
	}
	next := "correct the cause and run terraform apply again: it does only what is missing"
	if r.creating() {
		next = "correct the cause, " + report.Untaint + ", and then terraform apply: it does only what is missing, and without untaint makes the whole image anew"
	}
	return r.failure("was not handed out everywhere", fmt.Sprintf("version %d, %s (%s)", version.Number, version.ImageID, r.aws.Name()), err, now, next)
}

// copyEverywhere copies the version to the regions that lack it.
func (r *run) copyEverywhere(ctx context.Context, version *Version) error {
	regions := r.spec.Distribute.missing(*version)
	if len(regions) == 0 {
		return nil
	}
	if err := r.recordRegions(ctx, version); err != nil {
		return err
	}
	defer r.phases.during("copies")()
	var (
		wait     sync.WaitGroup
		mu       sync.Mutex
		copies   = maps.Clone(version.Copies)
		failures = map[string]error{}
	)
	if copies == nil {
		copies = map[string]cloud.Image{}
	}
	for _, region := range regions {
		wait.Go(func() {
			copied, err := r.copyTo(ctx, *version, region)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failures[region] = err
				delete(copies, region)
				return
			}
			copies[region] = copied
		})
	}
	wait.Wait()
	r.note(ctx, nil) // each copy has dealt with its own answer
	version.Copies = copies
	var all []error
	for _, region := range slices.Sorted(maps.Keys(failures)) {
		all = append(all, fmt.Errorf("no copy in %s: %w", region, failures[region]))
	}
	return errors.Join(all...)
}

// recordRegions writes the regions down on the version before anything is there.
func (r *run) recordRegions(ctx context.Context, version *Version) error {
	recorded := version.Regions()
	all := slices.Concat(recorded, slices.Collect(maps.Keys(r.spec.Distribute.Regions)), slices.Collect(maps.Keys(version.Copies)))
	slices.Sort(all)
	if all = slices.Compact(all); slices.Equal(all, recorded) {
		return nil
	}
	tags := regionTags(all)
	if err := r.aws.CreateTags(ctx, []string{version.ImageID}, tags); err != nil {
		return err
	}
	version.Tags = version.Tags.With(tags)
	return nil
}

// copyTo makes the copy in one region, or takes up the one that has been begun.
func (r *run) copyTo(ctx context.Context, version Version, region string) (cloud.Image, error) {
	aws, err := r.world().region(region)
	if err != nil {
		return cloud.Image{}, err
	}
	after := ""
	if have, there := version.Copies[region]; there {
		sameKey := have.Tags[cloud.TagKey] == r.spec.Distribute.Regions[region]
		if sameKey && have.State == cloud.ImagePending {
			r.options.Progress.Printf("found %s (%s), left by an interrupted run: going on from there", have.ID, region)
			return r.finishCopy(ctx, aws, have.ID)
		}
		// No two images share a name: the old one makes room.
		if err := removeImage(ctx, aws, have); err != nil {
			return cloud.Image{}, err
		}
		r.options.Progress.Printf("%s (%s) removed, to be copied anew: it was %s, with the key %q", have.ID, region, have.State, have.Tags[cloud.TagKey])
		after = have.ID
	}
	return r.beginCopy(ctx, aws, version, after)
}

// errSpent says that a client token brought back an image that is gone.
var errSpent = errors.New("the image is gone")

// beginCopy copies with a client token derived from the call itself, so that a
// repeated call returns the first one's image. A token that brings back an image that
// is gone is spent, and the next is derived from that.
func (r *run) beginCopy(ctx context.Context, aws AWS, version Version, after string) (cloud.Image, error) {
	for range spentTokens {
		imageID, err := r.callCopy(ctx, aws, r.imageCopy(version, aws.Name(), after))
		if err != nil {
			return cloud.Image{}, err
		}
		r.options.Progress.Printf("copying version %d to %s as %s", version.Number, aws.Name(), imageID)
		begun := time.Now()
		copied, err := r.finishCopy(ctx, aws, imageID)
		if err == nil {
			r.options.Progress.Printf("%s in %s is available after %s", imageID, aws.Name(), seconds(time.Since(begun)))
		}
		if !errors.Is(err, errSpent) {
			return copied, err
		}
		after = imageID
	}
	return cloud.Image{}, fmt.Errorf("%d client tokens in a row brought back images that are gone", spentTokens)
}

func (r *run) imageCopy(version Version, region, after string) cloud.ImageCopy {
	key := r.spec.Distribute.Regions[region]
	tags := r.spec.versionTags(version.ImageName).With(copyTags(r.owner)).With(r.owner.Tags())
	tags[cloud.TagCopyOf] = version.ImageID
	tags[cloud.TagVersion] = strconv.Itoa(version.Number)
	tags[cloud.TagFingerprint] = version.Fingerprint
	tags[cloud.TagSource] = version.SourceImageID
	tags[cloud.TagKey] = key
	call := cloud.ImageCopy{
		SourceRegion: r.aws.Name(), SourceImageID: version.ImageID, Name: version.ImageName, Description: r.spec.Description,
		Encrypted: r.spec.Capture.Encrypted || key != "", KMSKeyID: key, Tags: tags,
	}
	request, err := json.Marshal(call)
	if err != nil {
		panic(err) // an ImageCopy holds nothing that JSON cannot hold
	}
	call.ClientToken = cloud.Token("copy", r.owner.ID, region, after, string(request))
	return call
}

// busyPause is the pause while a region has as many copies under way as it takes.
const busyPause = 30 * time.Second

// callCopy makes the call. A name that is taken means that an earlier call, with other
// tags or another description, has had its effect.
func (r *run) callCopy(ctx context.Context, aws AWS, call cloud.ImageCopy) (imageID string, err error) {
	unclear := 0
	_, err = cloud.Poll[string]{
		What: "a copy to " + aws.Name() + " to begin",
		Read: func(ctx context.Context) (string, string, string, error) {
			imageID, err = aws.CopyImage(ctx, call)
			switch {
			case cloud.HasCode(err, cloud.CodeTooManyCopies):
				return "", "busy", err.Error(), nil
			case cloud.HasCode(err, cloud.CodeImageNameTaken):
				if imageID, err = r.findCopy(ctx, aws, call, err); imageID == "" && err == nil {
					return "", "busy", "the copy is not visible yet", nil
				}
			case err != nil && cloud.ClassOf(err) == cloud.Unclear:
				if unclear++; unclear > unclearAnswers {
					return "", "unclear", err.Error(), nil
				}
			}
			return imageID, "begun", "", err
		},
		Pending: []string{"busy"}, Target: []string{"begun"}, Failed: []string{"unclear"},
		First: busyPause, Most: busyPause,

		Progress: r.options.Progress,
	}.Wait(ctx)
	return imageID, err
}

// findCopy looks up the image that has the copy's name; none is visible yet when the id
// is empty.
func (r *run) findCopy(ctx context.Context, aws AWS, call cloud.ImageCopy, cause error) (string, error) {
	images, err := aws.Images(ctx, cloud.ImageQuery{
		Owners: []string{"self"}, Filters: map[string][]string{"name": {call.Name}}, IncludeDisabled: true,
	})
	if err != nil {
		return "", err
	}
	if len(images) == 0 {
		return "", nil
	}
	found := images[0]
	if why := r.owner.Copied(found, call.Name); why != "" {
		return "", fmt.Errorf("%w; the image %s has that name, but %s", cause, found.ID, why)
	}
	for _, key := range []string{cloud.TagOwner, cloud.TagImage, cloud.TagHome, cloud.TagRole, cloud.TagCopyOf, cloud.TagKey} {
		if found.Tags[key] != call.Tags[key] {
			return "", fmt.Errorf("%w; the image %s has that name, but its tag %s is %q and not %q", cause, found.ID, key, found.Tags[key], call.Tags[key])
		}
	}
	return found.ID, nil
}

// visibleWithin is how long a copy that was just begun may be invisible; one that is
// longer counts as gone. Should it be there after all, its name is taken, and it is
// waited for under that.
const visibleWithin = 30 * time.Second

// finishCopy waits until the copy is available, and makes IMDSv2 its default where the
// line wants it. A copy that fails is removed; when the user has stopped the apply it
// is left, and the next one takes it up.
func (r *run) finishCopy(ctx context.Context, aws AWS, imageID string) (cloud.Image, error) {
	copied, err := r.waitCopy(ctx, aws, imageID)
	if err == nil && !r.spec.Capture.IMDSAsSource && copied.IMDSSupport != imdsRequired {
		err = aws.RequireIMDSv2(ctx, copied.ID)
		copied.IMDSSupport = imdsRequired
	}
	if err == nil || ctx.Err() != nil || errors.Is(err, errSpent) {
		return copied, err
	}
	after, cancel := afterwards(ctx)
	defer cancel()
	return copied, errors.Join(err, removeImage(after, aws, cloud.Image{ID: imageID}))
}

func (r *run) waitCopy(ctx context.Context, aws AWS, imageID string) (cloud.Image, error) {
	begun, seen := time.Now(), false
	snapshots := r.snapshotting(aws, copyTags(r.owner).With(r.owner.Tags()))
	return cloud.Poll[cloud.Image]{
		Most: attentive,
		What: fmt.Sprintf("copy %s (%s) to be available", imageID, aws.Name()),
		Read: func(ctx context.Context) (cloud.Image, string, string, error) {
			snapshots.ask(ctx)
			images, err := aws.Images(ctx, cloud.ImageQuery{IDs: []string{imageID}})
			if err != nil && cloud.ClassOf(err) != cloud.NotFound {
				return cloud.Image{}, "", "", err
			}
			switch {
			case len(images) > 0:
				seen = true
				return images[0], images[0].State, images[0].StateReason, nil
			case seen || time.Since(begun) > visibleWithin:
				return cloud.Image{}, "", "", errSpent
			}
			return cloud.Image{}, cloud.ImagePending, "", nil
		},
		Pending: []string{cloud.ImagePending, cloud.ImageTransient},
		Target:  []string{cloud.ImageAvailable},
		Failed:  []string{cloud.ImageFailed, cloud.ImageError, cloud.ImageInvalid, cloud.ImageDeregistered, cloud.ImageDisabled},

		Progress: r.options.Progress, Far: snapshots.far,
	}.Wait(ctx)
}

// withdraw removes the copies that nobody wants any more, and then writes down the
// regions that are left. A copy in use is kept.
func (r *run) withdraw(ctx context.Context) error {
	var surplus []Version
	for _, version := range append(slices.Clone(r.line.Versions), r.line.Candidates...) {
		for region, copied := range version.Copies {
			if _, wanted := r.spec.Distribute.Regions[region]; !wanted {
				surplus = append(surplus, Version{Number: version.Number, Copies: map[string]cloud.Image{region: copied}})
			}
		}
	}
	removable, err := r.unused(ctx, surplus, "is in a region that was taken off distribute.regions")
	if err == nil {
		err = r.removeAll(ctx, removable)
	}
	if err != nil {
		return r.failure("kept copies that were to be removed", "", err, r.untouched(), "run terraform apply again")
	}
	return r.forgetRegions(ctx)
}

// forgetRegions takes regions off the versions' records that have no copy and get none.
func (r *run) forgetRegions(ctx context.Context) error {
	for i := range r.line.Versions {
		version := &r.line.Versions[i]
		recorded := version.Regions()
		left := slices.DeleteFunc(slices.Clone(recorded), func(region string) bool {
			_, there := version.Copies[region]
			_, wanted := r.spec.Distribute.Regions[region]
			none := errorIs[*noRegionError](r.line.unreached[region])
			return !there && !wanted && (none || !r.line.Unreached(region))
		})
		if slices.Equal(left, recorded) {
			continue
		}
		tags := regionTags(left)
		for key := range version.Tags {
			if _, still := tags[key]; !still && strings.HasPrefix(key, cloud.TagRegions) {
				tags[key] = ""
			}
		}
		if err := r.aws.CreateTags(ctx, []string{version.ImageID}, tags); err != nil {
			return r.inPlaceFailure(*version, "the record of regions", err)
		}
		version.Tags = version.Tags.With(tags)
	}
	return nil
}
