package image

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// tidy ends what is temporary and removes what is beyond the retained versions. It goes
// by what the run knows: AWS may not show for a while what was written a moment ago,
// and a version would be taken for a candidate.
func (r *run) tidy(ctx context.Context) error {
	if err := r.endAll(ctx, ids(r.line.instances())); err != nil {
		return r.failure("was not tidied up", "", err, r.untouched(), "run terraform apply again")
	}
	if r.plan.Action == BakeNew || r.plan.Action == Promote {
		r.plan.Retire = retire(r.spec, Plan{ImageID: r.line.Current().ImageID}, r.line)
	}
	current := r.line.Current().ImageID
	beyond := slices.DeleteFunc(slices.Clone(r.line.Versions), func(v Version) bool {
		return v.ImageID == current || !slices.Contains(r.plan.Retire, v.ImageID)
	})
	removable, err := r.unused(ctx, beyond, fmt.Sprintf("is beyond retain_versions = %d", r.spec.Capture.RetainVersions))
	var orphans []Version
	if err == nil {
		orphans, err = r.unused(ctx, r.line.Orphans, "has lost its own image, and only copies are left")
	}
	if err == nil {
		err = r.removeAll(ctx, slices.Concat(removable, r.line.Candidates, orphans))
	}
	if err != nil {
		return r.failure("kept versions that were to be removed", "", err, r.untouched(), "run terraform apply again")
	}
	return r.withdraw(ctx)
}

// removeAll removes versions, and keeps those that nobody can remove now.
func (r *run) removeAll(ctx context.Context, versions []Version) error {
	for _, version := range versions {
		err := removeVersion(ctx, r.world(), version)
		if protected, ok := errors.AsType[*ProtectedError](err); ok {
			r.warnings = append(r.warnings, report.Warning{
				Summary: fmt.Sprintf("Version %d of golden image %s is protected and was kept", version.Number, r.spec.Name),
				Detail:  protected.Error() + "\n\nThe next apply that changes the image after that removes it.",
			})
			continue
		}
		if err != nil {
			return fmt.Errorf("version %d: %w", version.Number, err)
		}
		r.options.Progress.Printf("version %d removed: %s", version.Number, placesText(version.places(r.aws.Name())))
		r.forget(version)
	}
	return nil
}

// forget keeps the observed line true after images were removed.
func (r *run) forget(removed Version) {
	gone := func(v Version) bool { return removed.ImageID != "" && v.ImageID == removed.ImageID }
	r.line.Versions = slices.DeleteFunc(r.line.Versions, gone)
	r.line.Candidates = slices.DeleteFunc(r.line.Candidates, gone)
	for i := range r.line.Versions {
		maps.DeleteFunc(r.line.Versions[i].Copies, func(region string, copied cloud.Image) bool {
			return removed.Copies[region].ID == copied.ID
		})
	}
}

func placesText(places []place) string {
	var all []string
	for _, each := range places {
		all = append(all, each.String())
	}
	return strings.Join(all, ", ")
}

// removeVersion removes the version's images with their snapshots: the copies first,
// since the version itself tells where they are.
func removeVersion(ctx context.Context, w world, version Version) error {
	places := version.places(w.home.Name())
	slices.Reverse(places)
	for _, at := range places {
		aws, err := w.region(at.region)
		if err != nil {
			return err
		}
		if err := removeImage(ctx, aws, at.image); err != nil {
			return err
		}
	}
	return nil
}

// ProtectedError says that an image cannot be deregistered yet.
type ProtectedError struct {
	ImageID, Region string
	// Protection is EC2's word for it.
	Protection cloud.Protection
	// Foreign is set when somebody else has protected the image: that is not lifted.
	Foreign bool
	Err     error
}

// Error says how long that lasts.
func (e *ProtectedError) Error() string {
	if e.Foreign {
		return fmt.Sprintf("%s (%s) is protected from deregistration (%s) by somebody else: this configuration has not set it, so it does not lift it. "+
			"Once nobody needs it, run: aws ec2 disable-image-deregistration-protection --region %s --image-id %s", e.ImageID, e.Region, e.Protection, e.Region, e.ImageID)
	}
	return fmt.Sprintf("%s (%s) is protected from deregistration with a cool-down (%s), which somebody has asked for outside of this configuration: "+
		"AWS keeps the image for 24 hours after the protection was lifted, and nobody can shorten that", e.ImageID, e.Region, e.Protection)
}

// Unwrap returns AWS's refusal, if there was one.
func (e *ProtectedError) Unwrap() error { return e.Err }

// protectedByUs is what the tag cloud.TagProtection says of an image that the provider
// protects itself.
const protectedByUs = "deregistration"

// removeImage deregisters one image and deletes its snapshots. A protection that is the
// provider's own is lifted first. Interrupted in between, the snapshots are found again by
// their tags.
func removeImage(ctx context.Context, aws AWS, image cloud.Image) error {
	protected := &ProtectedError{ImageID: image.ID, Region: aws.Name(), Protection: image.Protection}
	if image.Protection.Enabled() {
		if image.Tags[cloud.TagProtection] != protectedByUs {
			protected.Foreign = true
			return protected
		}
		if err := aws.UnprotectImage(ctx, image.ID); err != nil {
			return err
		}
		if image.Protection.Cooldown() {
			return protected
		}
	}
	left, err := aws.RemoveImage(ctx, image.ID)
	if err != nil && image.Protection.Cooldown() {
		protected.Err = err
		return protected
	}
	if err != nil {
		return err
	}
	return deleteSnapshots(ctx, aws, left)
}

// deleteSnapshots deletes them once the image that they belonged to lets go.
func deleteSnapshots(ctx context.Context, aws AWS, snapshotIDs []string) error {
	for _, id := range snapshotIDs {
		_, err := cloud.Poll[struct{}]{
			What: fmt.Sprintf("snapshot %s (%s) to be deleted", id, aws.Name()),
			Read: func(ctx context.Context) (struct{}, string, string, error) {
				err := aws.DeleteSnapshot(ctx, id)
				if err != nil && cloud.ClassOf(err) == cloud.InUse {
					return struct{}{}, "in use", err.Error(), nil
				}
				return struct{}{}, "deleted", "", err
			},
			Pending: []string{"in use"},
			Target:  []string{"deleted"},
			First:   time.Second,
		}.Wait(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

func ids(instances []cloud.Instance) []string {
	var all []string
	for _, instance := range instances {
		all = append(all, instance.ID)
	}
	return all
}

// endTemporary terminates the line's instances of that role.
func (r *run) endTemporary(ctx context.Context, role string) error {
	instances, err := r.aws.Instances(ctx, cloud.InstanceQuery{Tags: r.owner.Tags().With(cloud.Tags{cloud.TagRole: role})})
	if err != nil {
		return err
	}
	return r.endAll(ctx, ids(theirInstances(r.owner, instances)))
}

// endAll terminates instances, but those that this apply leaves to be looked at.
func (r *run) endAll(ctx context.Context, instanceIDs []string) error {
	instanceIDs = slices.DeleteFunc(slices.Clone(instanceIDs), func(id string) bool { return slices.Contains(r.kept, id) })
	if len(instanceIDs) == 0 {
		return nil
	}
	return r.aws.TerminateInstances(ctx, instanceIDs)
}

func (r *run) warn(summary string, err error) {
	r.warnings = append(r.warnings, report.Warning{Summary: summary, Detail: err.Error() + "\n\nThe next apply or destroy removes it."})
}
