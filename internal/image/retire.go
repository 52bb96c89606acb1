package image

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// tidy ends what is temporary and removes what is beyond the retained versions.
func (r *run) tidy(ctx context.Context) error {
	line, err := Observe(ctx, r.aws, r.spec.Name)
	if err != nil {
		return r.failure("was not tidied up", "", err, r.untouched(), "run terraform apply again")
	}
	r.line = line
	if err := r.endAll(ctx, append(ids(line.Builders), ids(line.Proofs)...)); err != nil {
		return r.failure("was not tidied up", "", err, r.untouched(), "run terraform apply again")
	}
	if r.plan.Action == BakeNew || r.plan.Action == Promote {
		r.plan.Retire = retire(r.spec, Plan{ImageID: line.Current().ImageID}, line)
	}
	beyond := slices.DeleteFunc(slices.Clone(line.Versions), func(v Version) bool { return !slices.Contains(r.plan.Retire, v.Number) })
	unused, err := r.unused(ctx, beyond)
	if err != nil {
		return r.failure("kept versions that were to be removed", "", err, r.untouched(), "run terraform apply again")
	}
	for _, version := range append(unused, line.Candidates...) {
		if err := removeVersion(ctx, r.aws, version); err != nil {
			return r.failure("kept a version that was to be removed",
				fmt.Sprintf("version %d, %s (%s)", version.Number, version.ImageID, r.aws.Name()), err, r.untouched(), "run terraform apply again")
		}
		r.options.Progress.Printf("version %d (%s) removed", version.Number, version.ImageID)
	}
	return nil
}

// unused leaves out the versions that an instance was launched from, and warns of
// them.
func (r *run) unused(ctx context.Context, versions []Version) ([]Version, error) {
	if len(versions) == 0 {
		return nil, nil
	}
	var imageIDs []string
	for _, version := range versions {
		imageIDs = append(imageIDs, version.ImageID)
	}
	instances, err := r.aws.Instances(ctx, cloud.InstanceQuery{ImageIDs: imageIDs})
	if err != nil {
		return nil, err
	}
	users := map[string][]string{}
	for _, instance := range instances {
		users[instance.ImageID] = append(users[instance.ImageID], instance.ID)
	}
	var unused []Version
	for _, version := range versions {
		if len(users[version.ImageID]) == 0 {
			unused = append(unused, version)
			continue
		}
		r.warnings = append(r.warnings, report.Warning{
			Summary: fmt.Sprintf("Version %d of golden image %s is in use and was kept", version.Number, r.spec.Name),
			Detail: fmt.Sprintf("%s is beyond retain_versions = %d, but these instances were launched from it: %s. The next apply that changes the image removes it once nothing uses it.",
				version.ImageID, r.spec.Capture.RetainVersions, firstOf(users[version.ImageID], 10)),
		})
	}
	return unused, nil
}

func firstOf(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// removeVersion deregisters the AMI and deletes its snapshots. Interrupted in
// between, the snapshots are found again by their tags.
func removeVersion(ctx context.Context, aws AWS, version Version) error {
	if err := aws.DeregisterImage(ctx, version.ImageID); err != nil {
		return err
	}
	return deleteSnapshots(ctx, aws, version.SnapshotIDs)
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
	instances, err := r.aws.Instances(ctx, cloud.InstanceQuery{Tags: ownership(r.spec.Name).With(cloud.Tags{cloud.TagRole: role})})
	if err != nil {
		return err
	}
	return r.endAll(ctx, ids(instances))
}

func (r *run) endAll(ctx context.Context, instanceIDs []string) error {
	if len(instanceIDs) == 0 {
		return nil
	}
	return r.aws.TerminateInstances(ctx, instanceIDs)
}

func (r *run) warn(summary string, err error) {
	r.warnings = append(r.warnings, report.Warning{Summary: summary, Detail: err.Error() + "\n\nThe next apply or destroy removes it."})
}

// Destroy removes the whole line: temporary instances, every AMI, every snapshot.
// It is safe to repeat. Errors are *report.Failure.
func Destroy(ctx context.Context, aws AWS, name string, progress report.Progress) error {
	fail := func(err error) error {
		return &report.Failure{
			Summary: fmt.Sprintf("Golden image %s was not removed altogether", name),
			Subject: "line " + name + " (" + aws.Name() + ")",
			Cause:   err,
			Now:     "what is left of it carries the tag " + cloud.TagImage + " = " + name,
			Next:    "run terraform destroy again: it removes the rest",
		}
	}
	line, err := Observe(ctx, aws, name)
	if err != nil {
		return fail(err)
	}
	if temporary := append(ids(line.Builders), ids(line.Proofs)...); len(temporary) > 0 {
		if err := aws.TerminateInstances(ctx, temporary); err != nil {
			return fail(err)
		}
		if err := waitTerminated(ctx, aws, name); err != nil {
			return fail(err)
		}
	}
	var failures []error
	for _, version := range append(line.Versions, line.Candidates...) {
		if err := removeVersion(ctx, aws, version); err != nil {
			failures = append(failures, err)
			continue
		}
		progress.Printf("version %d (%s) removed", version.Number, version.ImageID)
	}
	snapshots, err := aws.Snapshots(ctx, ownership(name))
	if err != nil {
		return fail(errors.Join(append(failures, err)...))
	}
	var left []string
	for _, snapshot := range snapshots {
		left = append(left, snapshot.ID)
	}
	failures = append(failures, deleteSnapshots(ctx, aws, left))
	if err := errors.Join(failures...); err != nil {
		return fail(err)
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
