package image

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// Removal is what is known of a line that goes.
type Removal struct {
	// In leads to the regions that copies may be in.
	In Regions
	// Regions are looked in beside those that the versions tell of.
	Regions []string
	// Copies are the current version's in those regions, for the words about a region that
	// does not answer.
	Copies map[string]string
	// Vouched are the images that the state has.
	Vouched Vouched
	// Parameter is the line's SSM parameter, if it has one.
	Parameter string
	// StagingBucket may hold what an interrupted bake has staged.
	StagingBucket string
	// KeepVersions leaves the versions, with all that belongs to them, when there are any.
	KeepVersions bool
	// Known reports whether a state that was read knows an owner: what that has left is its
	// own to clear. Nil knows none.
	Known    func(ownerID string) bool
	Progress report.Progress
}

// Destroy removes all that an owner has: temporary instances, the SSM parameter, every image
// and every snapshot, in all regions; and what creates have left that were to follow it and
// have died. It is safe to repeat. Errors are *report.Failure; the warnings say what may be
// left.
func Destroy(ctx context.Context, aws AWS, owner ownership.Owner, removal Removal) ([]report.Warning, error) {
	if owner.ID == "" {
		return nil, nil // it was never created
	}
	lease, err := ownership.Begin(ctx, aws, owner, ownership.Options{Progress: removal.Progress})
	if err != nil {
		return nil, notBegun(owner, "was not removed", "destroy", err)
	}
	d := destruction{world: world{aws, removal.In}, owner: owner, removal: removal}
	err = d.all(lease)
	if errors.Is(context.Cause(lease.Context()), ownership.ErrLost) {
		err = errors.Join(ownership.ErrLost, err)
	}
	after, cancel := afterwards(ctx)
	defer cancel()
	held := errorIs[*ownership.HeldError](err)
	switch err = errors.Join(err, lease.End(after)); {
	case err == nil:
		return d.warnings, nil
	case held:
		return d.warnings, notBegun(owner, "was not removed", "destroy", err)
	}
	return d.warnings, d.failure(err)
}

func (d *destruction) failure(err error) error {
	next := "run terraform destroy again: it removes the rest"
	if protected, ok := errors.AsType[*ProtectedError](err); ok {
		next = "run terraform destroy again when the 24 hours are over: it removes the rest"
		if protected.Foreign {
			next = "lift the protection, or leave the image to whoever has protected it, and run terraform destroy again: it removes the rest"
		}
	}
	return &report.Failure{
		Summary: fmt.Sprintf("Golden image %s was not removed altogether", d.owner.Name),
		Subject: "line " + d.owner.Name + " (" + d.owner.Region + ")",
		Cause:   err,
		Now:     "what is left of it carries the tag " + cloud.TagOwner + " = " + d.owner.ID,
		Next:    next,
	}
}

// destruction is the removal of all that one owner has.
type destruction struct {
	world
	owner   ownership.Owner
	removal Removal
	// former are other owners that the parameter may have come to.
	former []string
	// keepParameter leaves the parameter to whoever makes it his.
	keepParameter bool
	warnings      []report.Warning
}

// all removes first what dead creates have left that were to follow the owner.
func (d *destruction) all(lease *ownership.Lease) error {
	ctx := lease.Context()
	leases, err := lease.Observe(ctx)
	if err != nil {
		return err
	}
	leases.Known = d.removal.Known
	for _, left := range leases.Mine(d.owner) {
		d.former = append(d.former, left.Owner.ID)
		warnings, err := clearLeft(ctx, d.world, d.owner, left, d.removal, true)
		d.warnings = append(d.warnings, warnings...)
		if err != nil {
			return err
		}
	}
	return d.run(ctx, leases)
}

func (d *destruction) run(ctx context.Context, leases ownership.Leases) error {
	line, err := look(ctx, d.home, d.owner, d.removal.Vouched)
	if err != nil {
		return err
	}
	for _, id := range leases.Unwritten(d.owner, line.Others) {
		d.warnings = append(d.warnings, ownership.UnwrittenWarning(d.owner, id, "versions"))
	}
	if ended, err := d.temporary(ctx, line); err != nil {
		return err
	} else if ended {
		// What an interrupted bake has captured last may have been too new to be seen.
		if line, err = look(ctx, d.home, d.owner, d.removal.Vouched); err != nil {
			return err
		}
	}
	if d.removal.KeepVersions && line.Current() != nil {
		return unstage(ctx, d.home, d.removal.StagingBucket, d.owner)
	}
	if line, err = d.withCopies(ctx, line); err != nil {
		return err
	}
	failures := []error{d.parameters(ctx, line), unstage(ctx, d.home, d.removal.StagingBucket, d.owner)}
	regions := slices.DeleteFunc(regionsOf(line, d.removal.Regions), line.Unreached)
	removed := map[string]bool{}
	for _, version := range slices.Concat(line.Versions, line.Candidates, line.Orphans) {
		if err := removeVersion(ctx, d.world, version); err != nil {
			failures = append(failures, err)
			continue
		}
		for _, at := range version.places(d.home.Name()) {
			removed[at.image.ID] = true
		}
		d.removal.Progress.Printf("version %d removed: %s", version.Number, placesText(version.places(d.home.Name())))
	}
	if err := errors.Join(failures...); err != nil {
		return err
	}
	for _, region := range append([]string{d.home.Name()}, regions...) {
		if err := d.snapshots(ctx, region, removed); err != nil {
			return err
		}
	}
	return nil
}

// withCopies looks for copies, and warns of the regions where it could not: one that does not
// answer must not keep the others from being cleared.
func (d *destruction) withCopies(ctx context.Context, line Line) (Line, error) {
	before := len(line.Warnings)
	line, err := ObserveCopies(ctx, d.home, d.in, d.owner, line, d.removal.Regions)
	if unreached, ok := errors.AsType[*UnreachedError](err); ok {
		d.warnings, err = append(d.warnings, leftBehind(d.owner, unreached, d.removal.Copies,
			"No state knows of it any more. Once the region answers again, list what is there and remove it:")...), nil
	}
	if err == nil {
		d.warnings = append(d.warnings, line.Warnings[min(before, len(line.Warnings)):]...)
	}
	return line, err
}

// temporary ends what an interrupted or a kept bake has left running.
func (d *destruction) temporary(ctx context.Context, line Line) (ended bool, err error) {
	running := ids(line.instances())
	if len(running) == 0 {
		return false, nil
	}
	if err := d.home.TerminateInstances(ctx, running); err != nil {
		return false, err
	}
	return true, waitTerminated(ctx, d.home, d.owner)
}

// parameters deletes the SSM parameter, also under names that it had before.
func (d *destruction) parameters(ctx context.Context, line Line) error {
	if d.keepParameter {
		return nil
	}
	names := []string{d.removal.Parameter}
	for _, version := range line.Versions {
		names = append(names, version.Tags[cloud.TagParameter])
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if name == "" {
			continue
		}
		if err := (parameterKeepers{d.home, line, d.former}).remove(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// snapshots deletes those of the owner's whose image is gone: removed just now, or before.
func (d *destruction) snapshots(ctx context.Context, region string, removed map[string]bool) error {
	aws, err := d.region(region)
	if err != nil {
		return err
	}
	tags := copyTags(d.owner)
	if region == d.home.Name() {
		tags = versionTags(d.owner)
	}
	snapshots, err := aws.Snapshots(ctx, tags.With(d.owner.Tags()))
	if err != nil {
		return err
	}
	of := map[string][]string{}
	var unsure []string
	for _, snapshot := range snapshots {
		imageID, ours := d.owner.SnapshotOf(snapshot)
		if !ours {
			continue
		}
		if _, asked := of[imageID]; !asked && !removed[imageID] {
			unsure = append(unsure, imageID)
		}
		of[imageID] = append(of[imageID], snapshot.ID)
	}
	if len(unsure) > 0 {
		there, err := aws.Images(ctx, cloud.ImageQuery{
			Filters: map[string][]string{"image-id": unsure}, IncludeDeprecated: true, IncludeDisabled: true,
		})
		if err != nil {
			return err
		}
		for _, image := range there {
			delete(of, image.ID)
		}
	}
	for _, left := range of {
		if err := deleteSnapshots(ctx, aws, left); err != nil {
			return err
		}
	}
	return nil
}

// waitTerminated waits until no instance of the owner's is left; until then its volume
// and network interface exist as well.
func waitTerminated(ctx context.Context, aws AWS, owner ownership.Owner) error {
	_, err := cloud.Poll[int]{
		What: fmt.Sprintf("the temporary instances of %s (%s) to be terminated", owner.Name, aws.Name()),
		Read: func(ctx context.Context) (int, string, string, error) {
			left, err := aws.Instances(ctx, cloud.InstanceQuery{
				Tags: owner.Tags(), States: append(cloud.LiveInstanceStates(), cloud.InstanceShuttingDown),
			})
			if left = theirInstances(owner, left); err != nil || len(left) > 0 {
				return len(left), cloud.InstanceShuttingDown, "", err
			}
			return 0, cloud.InstanceTerminated, "", nil
		},
		Pending: []string{cloud.InstanceShuttingDown},
		Target:  []string{cloud.InstanceTerminated},
	}.Wait(ctx)
	return err
}
