package image

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
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
	return slices.Compact(all)
}

// copyTags select the copies, and their snapshots, of a line that lives in home.
func copyTags(name, home string) cloud.Tags {
	return ownership(name).With(cloud.Tags{cloud.TagRole: cloud.RoleCopy, cloud.TagHome: home})
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

// ObserveCopies adds to an observed line its copies in other regions: one request for
// each region, those given and those that its versions tell of.
func ObserveCopies(ctx context.Context, aws AWS, in Regions, name string, line Line, further []string) (Line, error) {
	regions := regionsOf(line, further)
	found := make([][]cloud.Image, len(regions))
	group, ctx := errgroup.WithContext(ctx)
	for i, region := range regions {
		group.Go(func() error {
			there, err := world{aws, in}.region(region)
			if err != nil {
				return err
			}
			found[i], err = there.Images(ctx, cloud.ImageQuery{Owners: []string{"self"}, Tags: copyTags(name, aws.Name())})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return line, err
	}
	for i, region := range regions {
		for _, image := range found[i] {
			line.addCopy(region, image)
		}
	}
	return line, nil
}

// addCopy puts a copy with its version.
func (l *Line) addCopy(region string, image cloud.Image) {
	of := versionOf(image)
	for _, versions := range [][]Version{l.Versions, l.Candidates, l.Orphans} {
		for i := range versions {
			if versions[i].Number == of.Number && versions[i].Fingerprint == of.Fingerprint {
				versions[i].Copies = with(versions[i].Copies, region, image)
				return
			}
		}
	}
	l.Orphans = append(l.Orphans, Version{
		Number: of.Number, Fingerprint: of.Fingerprint, Copies: map[string]cloud.Image{region: image},
	})
}

func with[K comparable, V any](all map[K]V, key K, value V) map[K]V {
	all = maps.Clone(all)
	if all == nil {
		all = map[K]V{}
	}
	all[key] = value
	return all
}
