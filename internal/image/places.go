package image

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// place is where a version is: its image in one region.
type place struct {
	region string
	image  cloud.Image
}

// String names it for people.
func (p place) String() string { return p.image.ID + " (" + p.region + ")" }

// places are where the version is, its home first.
func (v Version) places(home string) []place {
	var all []place
	if v.ImageID != "" {
		all = append(all, place{home, v.image()})
	}
	for _, region := range slices.Sorted(maps.Keys(v.Copies)) {
		all = append(all, place{region, v.Copies[region]})
	}
	return all
}

// image is the version's own image, in its home.
func (v Version) image() cloud.Image {
	image := cloud.Image{
		ID: v.ImageID, Name: v.ImageName, Description: v.Description, State: v.State, DeprecatesAt: v.DeprecatesAt,
		Protection: v.Protection, IMDSSupport: v.IMDSSupport, Public: v.Public, Tags: v.Tags,
	}
	for _, id := range v.SnapshotIDs {
		image.Volumes = append(image.Volumes, cloud.ImageVolume{SnapshotID: id})
	}
	return image
}

// ImageIDs are the version's images by region: its own, and the copies that can be
// used in those of the regions that have one.
func (v Version) ImageIDs(home string, regions []string) map[string]string {
	all := map[string]string{home: v.ImageID}
	for _, region := range regions {
		if copied, there := v.Copies[region]; there && copied.State == cloud.ImageAvailable {
			all[region] = copied.ID
		}
	}
	return all
}

// maxTagValue is how long the value of a tag may be.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
const maxTagValue = 256

// regionTags write down, on a version, the regions that it is copied to: before the
// first copy begins, so that a copy is never unknown.
func regionTags(regions []string) cloud.Tags {
	tags, list := cloud.Tags{}, ""
	write := func() {
		key := cloud.TagRegions
		if len(tags) > 0 {
			key = fmt.Sprintf("%s-%d", cloud.TagRegions, len(tags)+1)
		}
		tags[key] = list
	}
	for _, region := range slices.Sorted(slices.Values(regions)) {
		if len(list)+1+len(region) > maxTagValue {
			write()
			list = ""
		}
		list = strings.TrimPrefix(list+","+region, ",")
	}
	write()
	return tags
}

// Regions are those that the version was copied to, or was going to be.
func (v Version) Regions() []string {
	var all []string
	for key, value := range v.Tags {
		if key == cloud.TagRegions || strings.HasPrefix(key, cloud.TagRegions+"-") {
			all = append(all, strings.FieldsFunc(value, func(r rune) bool { return r == ',' })...)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), mostRegions)]
}

// mostRegions is more than AWS has: somebody may have written any list.
const mostRegions = 100

// copyTags select the copies, and their snapshots, that owners of the name have made of what
// they have captured in their own region.
func copyTags(owner ownership.Owner) cloud.Tags {
	return owner.Index().With(cloud.Tags{cloud.TagRole: cloud.RoleCopy, cloud.TagHome: owner.Region})
}

// regionsOf are the regions to look in for copies of the line: those given, and those
// that its versions tell of.
func regionsOf(line Line, further []string) []string {
	all := slices.Clone(further)
	for _, versions := range [][]Version{line.Versions, line.Candidates, line.Orphans} {
		for _, version := range versions {
			all = append(append(all, version.Regions()...), slices.Collect(maps.Keys(version.Copies))...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// UnreachedError says that copies may be in regions that did not answer.
type UnreachedError struct {
	// Why are the regions' errors.
	Why map[string]error
}

// Error names each region.
func (e *UnreachedError) Error() string {
	var all []string
	for _, region := range slices.Sorted(maps.Keys(e.Why)) {
		all = append(all, fmt.Sprintf("copies in %s could not be looked for: %v", region, e.Why[region]))
	}
	return strings.Join(all, "; ")
}

// Unwrap returns the regions' errors.
func (e *UnreachedError) Unwrap() []error {
	var all []error
	for _, region := range slices.Sorted(maps.Keys(e.Why)) {
		all = append(all, e.Why[region])
	}
	return all
}

// ObserveCopies adds to an observed line its copies in other regions: one request for
// each region, those given and those that its versions tell of, and another one where a
// version says that it has a copy which tags do not find. A region that only a tag
// tells of, and that is none or refuses us, is skipped with a warning. One of the given
// regions that does so makes a *UnreachedError, beside a line that has all the others.
func ObserveCopies(ctx context.Context, aws AWS, in Regions, owner ownership.Owner, line Line, further []string) (Line, error) {
	return observeCopies(ctx, world{aws, in}, owner, line, copyQuery{further: further})
}

// ObserveCopiesSoon is ObserveCopies for plans, which must not wait for minutes for a region
// that is down.
func ObserveCopiesSoon(ctx context.Context, aws AWS, in Regions, owner ownership.Owner, line Line, further []string) (Line, error) {
	soon := func(string) time.Duration { return answerWithin }
	return observeCopies(ctx, world{aws, in}, owner, line, copyQuery{further: further, within: soon})
}

// answerWithin is how long a region may refuse to say what copies it has, where something can
// be done without it. A throttled account is served within a few seconds.
const answerWithin = 20 * time.Second

// copyQuery says where copies are looked for.
type copyQuery struct {
	// further are regions beside those that the versions tell of.
	further []string
	// within is how long a region may take to answer; nil and zero are no limit.
	within func(region string) time.Duration
	// dead are regions that have not answered before, and are not asked again.
	dead map[string]error
}

func (q copyQuery) ask(ctx context.Context, w world, owner ownership.Owner, line Line, region string) ([]cloud.Image, error) {
	if err := q.dead[region]; err != nil {
		return nil, err
	}
	if q.within == nil || q.within(region) == 0 {
		return copiesIn(ctx, w, owner, line, region)
	}
	within, cancel := context.WithTimeout(ctx, q.within(region))
	defer cancel()
	images, err := copiesIn(within, w, owner, line, region)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("DescribeImages (%s): the region has served no request for %s", region, q.within(region))
	}
	return images, err
}

func observeCopies(ctx context.Context, w world, owner ownership.Owner, line Line, query copyQuery) (Line, error) {
	regions := regionsOf(line, query.further)
	found, failed := make([][]cloud.Image, len(regions)), make([]error, len(regions))
	var wait sync.WaitGroup
	for i, region := range regions {
		wait.Go(func() { found[i], failed[i] = query.ask(ctx, w, owner, line, region) })
	}
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return line, errors.Join(err, errors.Join(failed...))
	}
	line.seen.copies, line.unreached = map[string][]cloud.Image{}, map[string]error{}
	for i, region := range regions {
		if failed[i] != nil {
			line.unreached[region] = failed[i]
			continue
		}
		line.seen.copies[region] = found[i]
	}
	line = line.withCopies(owner)
	given := map[string]error{}
	for i, region := range regions {
		switch {
		case failed[i] == nil:
		case slices.Contains(query.further, region):
			given[region] = failed[i]
		default:
			line.Warnings = append(line.Warnings, unreachedWarning(owner, region, failed[i]))
		}
	}
	if len(given) > 0 {
		return line, &UnreachedError{given}
	}
	return line, nil
}

// Unreached reports whether a region that may have copies did not answer.
func (l Line) Unreached(region string) bool { return l.unreached[region] != nil }

// withCopies puts the copies that were seen with the versions. A line that was not observed
// has those that were given.
func (l Line) withCopies(owner ownership.Owner) Line {
	if l.owner.Name != "" {
		return l.of(owner)
	}
	l.owner = owner
	for _, region := range slices.Sorted(maps.Keys(l.seen.copies)) {
		for _, image := range l.seen.copies[region] {
			l.addCopy(region, image)
		}
	}
	return l
}

// noRegionError says that there is no way to a region.
type noRegionError struct{ err error }

// Error says why.
func (e *noRegionError) Error() string { return e.err.Error() }

// Unwrap returns the reason.
func (e *noRegionError) Unwrap() error { return e.err }

// copiesIn reads the copies in a region: by their tags, and by their names those whose tags
// somebody has changed.
func copiesIn(ctx context.Context, w world, owner ownership.Owner, line Line, region string) ([]cloud.Image, error) {
	there, err := w.region(region)
	if err != nil {
		return nil, &noRegionError{err}
	}
	copies, err := there.Images(ctx, cloud.ImageQuery{Owners: []string{"self"}, Tags: copyTags(owner), IncludeDisabled: true})
	if err != nil {
		return nil, err
	}
	missing := map[string]string{} // by the names that the copies have
	for _, version := range slices.Concat(line.Versions, line.Candidates) {
		found := slices.ContainsFunc(copies, func(image cloud.Image) bool { return image.SourceImageID == version.ImageID })
		if !found && slices.Contains(version.Regions(), region) {
			missing[version.ImageName] = version.ImageID
		}
	}
	if len(missing) == 0 {
		return copies, nil
	}
	strays, err := there.Images(ctx, cloud.ImageQuery{
		Owners: []string{"self"}, Filters: map[string][]string{"name": slices.Sorted(maps.Keys(missing))}, IncludeDisabled: true,
	})
	return append(copies, slices.DeleteFunc(strays, func(image cloud.Image) bool { return image.SourceImageID != missing[image.Name] })...), err
}

func unreachedWarning(owner ownership.Owner, region string, err error) report.Warning {
	return report.Warning{
		Summary: fmt.Sprintf("Copies of golden image %s in %q could not be looked for", owner.Name, region),
		Detail: fmt.Sprintf("The tag %s of one of its versions names the region, and the configuration does not: %v\n\n"+
			"Copies that are there stay there. If it is a region of yours, let whoever runs Terraform use it; if not, somebody has changed the tag.",
			cloud.TagRegions, err),
	}
}

func with[K comparable, V any](all map[K]V, key K, value V) map[K]V {
	all = maps.Clone(all)
	if all == nil {
		all = map[K]V{}
	}
	all[key] = value
	return all
}
