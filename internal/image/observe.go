package image

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// Version is one captured AMI of a line.
type Version struct {
	Number        int
	ImageID       string
	ImageName     string
	Description   string
	Fingerprint   string
	SourceImageID string
	Architecture  string
	// Platform is PlatformWindows, or "" for Linux.
	Platform   string
	RootDevice string
	// Checks is the digest of the checks it last passed, and where.
	Checks     string
	BakedAt    time.Time
	VerifiedAt time.Time
	// PromotedAt is zero for a candidate: captured, but not proved yet.
	PromotedAt time.Time
	// Highest is the highest number that the line had at the promotion.
	Highest     int
	State       string
	StateReason string
	SnapshotIDs []string
	// DeprecatesAt, Protection, IMDSSupport and Public are the image's own.
	DeprecatesAt time.Time
	Protection   cloud.Protection
	IMDSSupport  string
	Public       bool
	Tags         cloud.Tags
	// Copies are the version's images in other regions.
	Copies map[string]cloud.Image
}

// Line is what AWS holds of a line, read by ownership tags.
type Line struct {
	// Versions were promoted at least once; the current one comes first, the others
	// by the time of their promotion, the latest first.
	Versions []Version
	// Candidates are captured but not promoted yet.
	Candidates []Version
	// Orphans are copies whose own version is gone.
	Orphans []Version
	// Builders and Proofs are temporary instances that are not terminated.
	Builders []cloud.Instance
	Proofs   []cloud.Instance
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

// Next is the number of the next version to bake.
func (l Line) Next() int {
	highest := 0
	for _, version := range l.Versions {
		highest = max(highest, version.Number, version.Highest)
	}
	return highest + 1
}

// Empty reports whether nothing of the line exists.
func (l Line) Empty() bool {
	return len(l.Versions)+len(l.Candidates)+len(l.Orphans)+len(l.Builders)+len(l.Proofs) == 0
}

// ownership are the tags that everything of a line carries.
func ownership(name string) cloud.Tags {
	return cloud.Tags{cloud.TagManagedBy: cloud.ManagedBy, cloud.TagImage: name}
}

// versionTags select the line's images and snapshots in its own region; those that
// other regions' lines of the same name have copied there have another role.
func versionTags(name string) cloud.Tags {
	return ownership(name).With(cloud.Tags{cloud.TagRole: cloud.RoleVersion})
}

// ObserveVersions reads the captured images of a line: one request.
func ObserveVersions(ctx context.Context, aws AWS, name string) (Line, error) {
	images, err := aws.Images(ctx, cloud.ImageQuery{Owners: []string{"self"}, Tags: versionTags(name)})
	if err != nil {
		return Line{}, err
	}
	var line Line
	for _, image := range images {
		version := versionOf(image)
		if version.PromotedAt.IsZero() || version.State != cloud.ImageAvailable {
			line.Candidates = append(line.Candidates, version)
		} else {
			line.Versions = append(line.Versions, version)
		}
	}
	slices.SortFunc(line.Versions, func(a, b Version) int { return b.PromotedAt.Compare(a.PromotedAt) })
	slices.SortFunc(line.Candidates, func(a, b Version) int { return b.BakedAt.Compare(a.BakedAt) })
	return line, nil
}

// Observe reads everything of a line: two requests.
func Observe(ctx context.Context, aws AWS, name string) (Line, error) {
	line, err := ObserveVersions(ctx, aws, name)
	if err != nil {
		return Line{}, err
	}
	instances, err := aws.Instances(ctx, cloud.InstanceQuery{Tags: ownership(name)})
	if err != nil {
		return Line{}, err
	}
	for _, instance := range instances {
		if instance.Tags[cloud.TagRole] == cloud.RoleBuilder {
			line.Builders = append(line.Builders, instance)
		} else {
			line.Proofs = append(line.Proofs, instance)
		}
	}
	return line, nil
}

func versionOf(image cloud.Image) Version {
	version := Version{
		ImageID:       image.ID,
		ImageName:     image.Name,
		Description:   image.Description,
		Fingerprint:   image.Tags[cloud.TagFingerprint],
		SourceImageID: image.Tags[cloud.TagSource],
		Architecture:  image.Architecture,
		Platform:      image.Platform,
		RootDevice:    image.RootDeviceName,
		Checks:        image.Tags[cloud.TagChecks],
		BakedAt:       image.CreatedAt,
		VerifiedAt:    parseTime(image.Tags[cloud.TagVerifiedAt]),
		PromotedAt:    parseTime(image.Tags[cloud.TagPromotedAt]),
		State:         image.State,
		StateReason:   image.StateReason,
		SnapshotIDs:   image.SnapshotIDs(),
		DeprecatesAt:  image.DeprecatesAt,
		Protection:    image.Protection,
		IMDSSupport:   image.IMDSSupport,
		Public:        image.Public,
		Tags:          image.Tags,
	}
	// A tag that somebody has spoilt reads as zero: such an image is never current.
	version.Number, _ = strconv.Atoi(image.Tags[cloud.TagVersion])
	version.Highest, _ = strconv.Atoi(image.Tags[cloud.TagHighest])
	return version
}

func parseTime(text string) time.Time {
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return parsed
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
