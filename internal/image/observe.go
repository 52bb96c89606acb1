package image

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// Line is what an owner has in AWS. It is found by tags, and believed for more.
type Line struct {
	// Versions were promoted at least once; the current one comes first, the others
	// by the time of their promotion, the latest first. Some may be disabled.
	Versions []Version
	// Candidates are captured but not promoted yet.
	Candidates []Version
	// Orphans are copies whose own version is gone.
	Orphans []Version
	// Builders and Proofs are temporary instances that are not terminated.
	Builders []cloud.Instance
	Proofs   []cloud.Instance
	// Spoilt are versions that the state has, and copies of versions, whose tags somebody has
	// changed.
	Spoilt []Spoilt
	// Foreign carries the line's tags and is not believed to be the owner's.
	Foreign []ownership.Foreign
	// Others are the ids of other owners that have something of this name, sorted.
	Others []string
	// Taken is the highest number of the other owners' versions: names of images are
	// unique, so numbers go on above it.
	Taken int
	// Leases are what there is of leases for this name.
	Leases ownership.Leases
	// Warnings say what is odd about the line, and keeps nobody from working on it.
	Warnings []report.Warning

	owner ownership.Owner
	seen  seen
	// unreached says why regions that copies may be in did not answer.
	unreached map[string]error
}

// seen is what was read, whoever has it.
type seen struct {
	images []cloud.Image
	// vouched are images that a state has, with their fingerprints.
	vouched   Vouched
	instances []cloud.Instance
	// copies are by region.
	copies map[string][]cloud.Image
}

// Current returns the version that is handed out, or nil.
func (l Line) Current() *Version {
	if len(l.Versions) == 0 {
		return nil
	}
	return &l.Versions[0]
}

// ByImage returns the kept version of that image, or nil.
func (l Line) ByImage(imageID string) *Version {
	for i := range l.Versions {
		if l.Versions[i].ImageID == imageID {
			return &l.Versions[i]
		}
	}
	return nil
}

// Find returns the latest kept version with that fingerprint, or nil.
func (l Line) Find(fingerprint string) *Version {
	for i := range l.Versions {
		if l.Versions[i].Fingerprint == fingerprint {
			return &l.Versions[i]
		}
	}
	return nil
}

// Next is the number of the next version to bake: above all that there are, and not one
// that an image's name has which only pretends to be a version.
func (l Line) Next() int {
	highest := l.Taken
	for _, version := range l.Versions {
		highest = max(highest, version.Number, believable(version.Highest, version.Number))
	}
	for _, orphan := range l.Orphans {
		highest = max(highest, orphan.Number)
	}
	next := highest + 1
	for l.pretended(next) {
		next++
	}
	return next
}

// pretended reports whether an image that is no owner's has the name of that version.
func (l Line) pretended(number int) bool {
	for _, image := range l.seen.images {
		if tagged, _ := numberOf(l.owner.Name, image.Name); tagged != number {
			continue
		}
		if _, why := ownerOf(l.owner, image.Tags, capturedDoubt(image)); why != "" {
			return true
		}
	}
	return false
}

// Empty reports whether the owner has nothing.
func (l Line) Empty() bool {
	return len(l.Versions)+len(l.Candidates)+len(l.Orphans)+len(l.Builders)+len(l.Proofs) == 0
}

// versionTags select what all owners of the name have captured in their own region, and
// its snapshots; what other regions' lines of that name have copied there has another role.
func versionTags(owner ownership.Owner) cloud.Tags {
	return owner.Index().With(cloud.Tags{cloud.TagRole: cloud.RoleVersion})
}

// Vouched are the fingerprints of the images that a state has of an owner, by their ids: what
// somebody does to the tags of such an image does not make it another's.
type Vouched map[string]string

// ObserveVersions reads an owner's captured images: one request, and another one when tags do
// not find all that are vouched for.
func ObserveVersions(ctx context.Context, aws AWS, owner ownership.Owner, vouched Vouched) (Line, error) {
	images, err := aws.Images(ctx, cloud.ImageQuery{Owners: []string{"self"}, Tags: versionTags(owner), IncludeDisabled: true})
	if err != nil {
		return Line{}, err
	}
	missing := maps.Clone(vouched)
	for _, image := range images {
		delete(missing, image.ID)
	}
	if len(missing) > 0 {
		// By a filter, since an id that is gone would be an error.
		strays, err := aws.Images(ctx, cloud.ImageQuery{
			Owners: []string{"self"}, Filters: map[string][]string{"image-id": slices.Sorted(maps.Keys(missing))}, IncludeDisabled: true,
		})
		if err != nil {
			return Line{}, err
		}
		images = append(images, strays...)
	}
	return Line{seen: seen{images: images, vouched: vouched}}.of(owner), nil
}

// look reads images and temporary instances: two requests.
func look(ctx context.Context, aws AWS, owner ownership.Owner, vouched Vouched) (Line, error) {
	line, err := ObserveVersions(ctx, aws, owner, vouched)
	if err != nil {
		return Line{}, err
	}
	line.seen.instances, err = aws.Instances(ctx, cloud.InstanceQuery{Tags: owner.Index()})
	return line.of(owner), err
}

// Observe reads everything that an owner has in the line's own region, and the leases of
// its name: three requests. An owner without an id has nothing.
func Observe(ctx context.Context, aws AWS, owner ownership.Owner, vouched Vouched) (Line, error) {
	line, err := look(ctx, aws, owner, vouched)
	if err != nil {
		return Line{}, err
	}
	leases, err := ownership.Observe(ctx, aws, owner)
	line.Leases = line.withLost(leases)
	return line, err
}

// withLost adds to the leases what a successor has made that Terraform did not come to
// write down, where the line has all that it had.
func (l Line) withLost(leases ownership.Leases) ownership.Leases {
	if l.Current() == nil {
		return leases
	}
	return leases.WithLost(l.owner, l.Others)
}

// Holders says who has versions or instances of a name, the lease of a create included.
func Holders(ctx context.Context, aws AWS, owner ownership.Owner) ([]ownership.Holder, error) {
	line, err := Observe(ctx, aws, owner.As(""), nil)
	if err != nil {
		return nil, err
	}
	return line.holders(), nil
}

func (l Line) holders() []ownership.Holder {
	creating := map[string]bool{}
	for _, id := range l.Leases.Creating {
		creating[id] = true
	}
	var all []ownership.Holder
	for _, id := range l.Others {
		all = append(all, ownership.Holder{OwnerID: id, What: l.of(l.owner.As(id)).inWords(), Creating: creating[id]})
	}
	return all
}

// inWords says what an owner has: "versions 1 to 3".
func (l Line) inWords() string {
	numbers := map[bool][2]int{}
	for unproven, versions := range map[bool][]Version{false: l.Versions, true: l.Candidates} {
		for _, version := range versions {
			span, there := numbers[unproven]
			if !there {
				span = [2]int{version.Number, version.Number}
			}
			numbers[unproven] = [2]int{min(span[0], version.Number), max(span[1], version.Number)}
		}
	}
	text := func(span [2]int) string {
		if span[0] == span[1] {
			return fmt.Sprintf("version %d", span[0])
		}
		return fmt.Sprintf("versions %d to %d", span[0], span[1])
	}
	temporary := len(l.Builders) + len(l.Proofs)
	switch {
	case len(l.Versions) > 0:
		return text(numbers[false])
	case len(l.Candidates) > 0:
		return text(numbers[true]) + ", not proved yet"
	case temporary == 1:
		return "1 temporary instance"
	default:
		return fmt.Sprintf("%d temporary instances", temporary)
	}
}
