package image

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// Removal is what is known of a line that goes.
type Removal struct {
	// In leads to the regions that copies may be in.
	In Regions
	// Regions are looked in beside those that the versions tell of.
	Regions []string
	// Parameter is the line's SSM parameter, if it has one.
	Parameter string
	// StagingBucket may hold what an interrupted bake has staged.
	StagingBucket string
	// Unproven is set when what goes has never come to a version. Then one that is current
	// is its successor's, which was created before it goes, and so is all else.
	Unproven bool
	// KeepVersions leaves the versions, with all that belongs to them, when there are any.
	KeepVersions bool
	Progress     report.Progress
}

// Destroy removes the whole line: temporary instances, the SSM parameter, every image
// and every snapshot, in all regions. It is safe to repeat. Errors are *report.Failure.
func Destroy(ctx context.Context, aws AWS, name string, removal Removal) error {
	d := destruction{world: world{aws, removal.In}, name: name, removal: removal}
	err := d.run(ctx)
	if err == nil {
		return nil
	}
	next := "run terraform destroy again: it removes the rest"
	if errorIs[*ProtectedError](err) {
		next = "run terraform destroy again when the 24 hours are over: it removes the rest"
	}
	return &report.Failure{
		Summary: fmt.Sprintf("Golden image %s was not removed altogether", name),
		Subject: "line " + name + " (" + aws.Name() + ")",
		Cause:   err,
		Now:     "what is left of it carries the tag " + cloud.TagImage + " = " + name,
		Next:    next,
	}
}

// destruction is one Destroy.
type destruction struct {
	world
	name    string
	removal Removal
}

func (d destruction) run(ctx context.Context) error {
	line, err := Observe(ctx, d.home, d.name)
	if err != nil {
		return err
	}
	if current := line.Current(); current != nil && d.removal.Unproven {
		d.removal.Progress.Printf("version %d (%s) was made since, and is left as it is", current.Number, current.ImageID)
		return nil
	}
	if err := d.temporary(ctx, line); err != nil {
		return err
	}
	if d.removal.KeepVersions && line.Current() != nil {
		return unstage(ctx, d.home, d.removal.StagingBucket, d.name)
	}
	if line, err = ObserveCopies(ctx, d.home, d.in, d.name, line, d.removal.Regions); err != nil {
		return err
	}
	failures := []error{d.parameters(ctx, line), unstage(ctx, d.home, d.removal.StagingBucket, d.name)}
	regions := regionsOf(line, d.removal.Regions)
	for _, version := range slices.Concat(line.Versions, line.Candidates, line.Orphans) {
		if err := removeVersion(ctx, d.world, version); err != nil {
			failures = append(failures, err)
			continue
		}
		d.removal.Progress.Printf("version %d removed: %s", version.Number, placesText(version.places(d.home.Name())))
	}
	if err := errors.Join(failures...); err != nil {
		return err
	}
	return d.snapshots(ctx, regions)
}

// temporary ends what an interrupted or a kept bake has left running.
func (d destruction) temporary(ctx context.Context, line Line) error {
	running := append(ids(line.Builders), ids(line.Proofs)...)
	if len(running) == 0 {
		return nil
	}
	if err := d.home.TerminateInstances(ctx, running); err != nil {
		return err
	}
	return waitTerminated(ctx, d.home, d.name)
}

// parameters deletes the SSM parameter, also under names that it had before.
func (d destruction) parameters(ctx context.Context, line Line) error {
	names := []string{d.removal.Parameter}
	for _, version := range line.Versions {
		names = append(names, version.Tags[cloud.TagParameter])
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if name == "" {
			continue
		}
		if err := deleteParameter(ctx, d.home, d.name, name); err != nil {
			return err
		}
	}
	return nil
}

// snapshots deletes those whose image is gone.
func (d destruction) snapshots(ctx context.Context, regions []string) error {
	for _, region := range append([]string{d.home.Name()}, regions...) {
		aws, err := d.region(region)
		if err != nil {
			return err
		}
		tags := copyTags(d.name, d.home.Name())
		if region == d.home.Name() {
			tags = versionTags(d.name)
		}
		snapshots, err := aws.Snapshots(ctx, tags)
		if err != nil {
			return err
		}
		var left []string
		for _, snapshot := range snapshots {
			left = append(left, snapshot.ID)
		}
		if err := deleteSnapshots(ctx, aws, left); err != nil {
			return err
		}
	}
	return nil
}

// waitTerminated waits until no instance of the line is left; until then its volume
// and network interface exist as well.
func waitTerminated(ctx context.Context, aws AWS, name string) error {
	_, err := cloud.Poll[int]{
		What: fmt.Sprintf("the temporary instances of %s (%s) to be terminated", name, aws.Name()),
		Read: func(ctx context.Context) (int, string, string, error) {
			left, err := aws.Instances(ctx, cloud.InstanceQuery{
				Tags: ownership(name), States: append(cloud.LiveInstanceStates(), cloud.InstanceShuttingDown),
			})
			if err != nil || len(left) > 0 {
				return len(left), cloud.InstanceShuttingDown, "", err
			}
			return 0, cloud.InstanceTerminated, "", nil
		},
		Pending: []string{cloud.InstanceShuttingDown},
		Target:  []string{cloud.InstanceTerminated},
	}.Wait(ctx)
	return err
}
