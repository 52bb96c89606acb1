package image

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// ownerOf says to which owner of the name a thing claims to belong, and why it is not
// believed; doubt is what speaks against an owner.
func ownerOf(line ownership.Owner, tags cloud.Tags, doubt func(ownership.Owner) string) (id, why string) {
	id = tags[cloud.TagOwner]
	if id == "" {
		return "", fmt.Sprintf("carries the tag %s and no %s", cloud.TagImage, cloud.TagOwner)
	}
	if !ownership.ValidID(id) {
		return "", fmt.Sprintf("carries the tag %s = %q, which no owner has", cloud.TagOwner, id)
	}
	return id, doubt(line.As(id))
}

// believed reports whether a thing is the line's owner's. One that only claims so is
// written down as foreign, and of another owner that the name has him, when it is proven.
func (l *Line) believed(what string, tags cloud.Tags, doubt func(ownership.Owner) string) (mine bool) {
	id, why := ownerOf(l.owner, tags, doubt)
	switch {
	case id == "" || id == l.owner.ID && why != "":
		l.Foreign = append(l.Foreign, ownership.Foreign{What: what, Why: why})
	case id == l.owner.ID:
		return true
	case why == "" && !slices.Contains(l.Others, id):
		l.Others = append(l.Others, id)
	}
	return false
}

func capturedDoubt(image cloud.Image) func(ownership.Owner) string {
	return func(owner ownership.Owner) string {
		if number, _ := numberOf(owner.Name, image.Name); number == 0 {
			return fmt.Sprintf("is named %q, which is no name of a version", image.Name)
		}
		return owner.Captured(image, image.Name)
	}
}

func copiedDoubt(image cloud.Image) func(ownership.Owner) string {
	return func(owner ownership.Owner) string {
		if number, _ := numberOf(owner.Name, image.Name); number == 0 {
			return fmt.Sprintf("is named %q, which is no name of a version", image.Name)
		}
		return owner.Copied(image, image.Name)
	}
}

func launchedDoubt(instance cloud.Instance) func(ownership.Owner) string {
	return func(owner ownership.Owner) string {
		if owner.Launched(instance) {
			return ""
		}
		return "was not launched by this line: its client token says so"
	}
}

// of parts what was read by whose it is, for an owner.
func (l Line) of(owner ownership.Owner) Line {
	parted := Line{owner: owner, seen: l.seen, Leases: l.Leases, unreached: l.unreached}
	for _, image := range l.seen.images {
		parted.addVersion(image)
	}
	slices.SortFunc(parted.Versions, func(a, b Version) int { return b.PromotedAt.Compare(a.PromotedAt) })
	slices.SortFunc(parted.Candidates, func(a, b Version) int { return b.BakedAt.Compare(a.BakedAt) })
	for _, instance := range l.seen.instances {
		parted.addInstance(instance)
	}
	for _, region := range slices.Sorted(maps.Keys(l.seen.copies)) {
		for _, image := range l.seen.copies[region] {
			parted.addCopy(region, image)
		}
	}
	slices.Sort(parted.Others)
	return parted
}

// vouch gives an image that a state has the tags that somebody has changed, and notes them to
// be written again. Its name, its account and what AWS says that it was made from must be
// those of a version all the same.
func (l *Line) vouch(image cloud.Image) cloud.Image {
	fingerprint, known := l.seen.vouched[image.ID]
	number, beginning := numberOf(l.owner.Name, image.Name)
	if !known || l.owner.ID == "" || number == 0 || !strings.HasPrefix(fingerprint, beginning) || image.SourceInstanceID == "" {
		return image
	}
	want := l.owner.Tags().With(cloud.Tags{
		cloud.TagRole: cloud.RoleVersion, cloud.TagBuilder: image.SourceInstanceID, cloud.TagFingerprint: fingerprint,
	})
	if image.Tags[cloud.TagPromotedAt] == "" {
		want[cloud.TagPromotedAt] = formatTime(image.CreatedAt)
	}
	return l.restored(l.owner.Region, image, want)
}

// vouchCopy gives a copy the tags that somebody has changed. Its name, its account and what
// AWS says that it was copied from must be those of a copy of a version all the same, and the
// version must say that it has one there.
func (l *Line) vouchCopy(region string, image cloud.Image) cloud.Image {
	if l.owner.ID == "" || image.OwnerID != "" && image.OwnerID != l.owner.Account ||
		image.SourceImageRegion != "" && image.SourceImageRegion != l.owner.Region {
		return image
	}
	for _, version := range slices.Concat(l.Versions, l.Candidates) {
		if version.ImageID == image.SourceImageID && version.ImageName == image.Name && slices.Contains(version.Regions(), region) {
			return l.restored(region, image, copyTags(l.owner).With(l.owner.Tags()).With(cloud.Tags{
				cloud.TagCopyOf: version.ImageID, cloud.TagFingerprint: version.Fingerprint,
			}))
		}
	}
	return image
}

// restored gives an image the tags that it must have, and notes those that it lacks.
func (l *Line) restored(region string, image cloud.Image, want cloud.Tags) cloud.Image {
	maps.DeleteFunc(want, func(key, value string) bool { return image.Tags[key] == value })
	if len(want) > 0 {
		l.Spoilt = append(l.Spoilt, Spoilt{Region: region, ImageID: image.ID, Tags: want})
		image.Tags = image.Tags.With(want)
	}
	return image
}

// Spoilt is a version, or a copy of one, whose tags somebody has changed.
type Spoilt struct {
	Region, ImageID string
	// Tags are those that it lacks.
	Tags cloud.Tags
}

// addVersion puts a captured image with versions or candidates, when it is the owner's.
func (l *Line) addVersion(image cloud.Image) {
	image = l.vouch(image)
	what := fmt.Sprintf("image %s (%s)", image.ID, l.owner.Region)
	if !l.believed(what, image.Tags, capturedDoubt(image)) {
		l.addTaken(image, capturedDoubt(image))
		return
	}
	version := versionOf(l.owner.Name, image)
	if version.PromotedAt.IsZero() || version.State != cloud.ImageAvailable && !version.Disabled() {
		l.Candidates = append(l.Candidates, version)
		return
	}
	l.Versions = append(l.Versions, version)
	if ahead := time.Until(parseTime(image.Tags[cloud.TagPromotedAt])); ahead > clockSkew {
		l.Warnings = append(l.Warnings, report.Warning{
			Summary: fmt.Sprintf("Version %d of golden image %s was promoted in the future", version.Number, l.owner.Name),
			Detail: fmt.Sprintf("Its tag %s says %s, %s from now: a clock was wrong, or somebody has written it. "+
				"The latest promotion is the current version, so compare image_id with what you expect. The next promotion is dated after it.",
				cloud.TagPromotedAt, image.Tags[cloud.TagPromotedAt], age(ahead)),
		})
	}
}

// clockSkew is how far ahead of this machine's clock a promotion may be before it is odd: no
// two clocks are quite the same.
const clockSkew = 5 * time.Minute

// addTaken remembers the number of another owner's version.
func (l *Line) addTaken(image cloud.Image, doubt func(ownership.Owner) string) {
	if id, why := ownerOf(l.owner, image.Tags, doubt); id == l.owner.ID || why != "" {
		return
	}
	version := versionOf(l.owner.Name, image)
	l.Taken = max(l.Taken, version.Number, believable(version.Highest, version.Number))
}

// believable is a number that only a tag tells, unless it is absurdly far above one that is
// proven: it must not use all numbers up.
func believable(told, proven int) int {
	const farAbove = 100_000
	if told > proven+farAbove {
		return 0
	}
	return told
}

// addInstance puts a temporary instance with builders or proofs, when it is the owner's.
func (l *Line) addInstance(instance cloud.Instance) {
	what := fmt.Sprintf("instance %s (%s)", instance.ID, l.owner.Region)
	switch {
	case !l.believed(what, instance.Tags, launchedDoubt(instance)):
	case instance.Tags[cloud.TagRole] == cloud.RoleBuilder:
		l.Builders = append(l.Builders, instance)
	default:
		l.Proofs = append(l.Proofs, instance)
	}
}

// addCopy puts a copy with its version: the one that AWS says it was copied from.
func (l *Line) addCopy(region string, image cloud.Image) {
	image = l.vouchCopy(region, image)
	what := fmt.Sprintf("image %s (%s)", image.ID, region)
	if !l.believed(what, image.Tags, copiedDoubt(image)) {
		l.addTaken(image, copiedDoubt(image))
		return
	}
	for _, versions := range [][]Version{l.Versions, l.Candidates} {
		for i := range versions {
			if versions[i].ImageID == image.SourceImageID {
				versions[i].Copies = with(versions[i].Copies, region, image)
				return
			}
		}
	}
	for i := range l.Orphans {
		if _, taken := l.Orphans[i].Copies[region]; !taken && l.Orphans[i].Tags[cloud.TagCopyOf] == image.SourceImageID {
			l.Orphans[i].Copies = with(l.Orphans[i].Copies, region, image)
			return
		}
	}
	of := versionOf(l.owner.Name, image)
	l.Orphans = append(l.Orphans, Version{
		Number: of.Number, Fingerprint: of.Fingerprint, Tags: cloud.Tags{cloud.TagCopyOf: image.SourceImageID}, Copies: map[string]cloud.Image{region: image},
	})
}

// theirImages are the images in the line's own region that owners have proven.
func (l Line) theirImages(ids ...string) map[string]bool {
	all := map[string]bool{}
	for _, image := range l.seen.images {
		if id, why := ownerOf(l.owner, image.Tags, capturedDoubt(image)); why == "" && slices.Contains(ids, id) {
			all[image.ID] = true
		}
	}
	return all
}

// theirInstances returns those of the instances that are the owner's.
func theirInstances(owner ownership.Owner, instances []cloud.Instance) []cloud.Instance {
	return Line{seen: seen{instances: instances}}.of(owner).instances()
}

// instances are all temporary ones.
func (l Line) instances() []cloud.Instance { return slices.Concat(l.Builders, l.Proofs) }
